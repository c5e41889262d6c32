/** Numbers that look random and are the same every time. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Every cut of a file, and `count` copies with some bytes changed, gone or put in. */
export function* mutationsOf(whole: Buffer, count: number, seed = 1): Generator<Buffer> {
  for (let at = 0; at < whole.length; at += Math.max(1, whole.length >> 9))
    yield whole.subarray(0, at);
  const random = randomFrom(seed);
  for (let index = 0; index < count; index++) {
    let bytes = Buffer.from(whole);
    for (let change = random(4); change >= 0; change--) {
      const at = random(bytes.length);
      const kind = random(6);
      if (kind < 3) bytes[at] = [random(256), 0xff, 0][kind] ?? 0;
      else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
      else if (kind === 4)
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(8, 0xff), bytes.subarray(at)]);
      else bytes.fill(0xff, at, Math.min(at + 8, bytes.length));
    }
    yield bytes;
  }
}
