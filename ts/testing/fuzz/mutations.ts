/** Bytes that parsers stumble over: brackets, quotes, signs, great numbers, the edges of UTF-8 and of lengths. */
const tokens = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '-',
  '1e999',
  '-1',
  '18446744073709551616',
  'null',
]
  .map((text) => Buffer.from(text))
  .concat([Buffer.from([0]), Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.from([0xc0, 0x80])]);

/** One to four small damages; the same for the same numbers. */
export function damaged(bytes: Uint8Array, random: () => number): Buffer {
  let result = Buffer.from(bytes);
  const upTo = (end: number) => Math.floor(random() * end);
  for (let left = 1 + upTo(4); left > 0; left--) {
    const at = upTo(result.length + 1);
    const end = at + upTo(Math.min(16, result.length - at) + 1);
    const token = tokens[upTo(tokens.length)] ?? Buffer.alloc(0);
    const [head, part, tail] = [
      result.subarray(0, at),
      result.subarray(at, end),
      result.subarray(end),
    ];
    const damages = [
      () => Buffer.concat([head, tail]),
      () => Buffer.concat([head, part, part, tail]),
      () => Buffer.concat([head, token, tail]),
      () => Buffer.concat([head, Buffer.from(part).reverse(), tail]),
      () => Buffer.from(head),
      () => {
        const copy = Buffer.from(result);
        if (copy.length > 0) copy[at % copy.length] = upTo(256);
        return copy;
      },
    ];
    result = damages[upTo(damages.length)]?.() ?? result;
  }
  return result;
}
