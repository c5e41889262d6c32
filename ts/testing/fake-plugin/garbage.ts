import { randomBytes } from 'node:crypto';
import { frame } from '../../protocol/frame.ts';
import { encodeMsgpack } from '../../protocol/msgpack.ts';

/*
 * Answers that a broken or hostile plugin might give. Ids are guessed: the daemon numbers its requests
 * from 1, so all of a few are answered.
 */
function answers(result: unknown): Buffer {
  return Buffer.concat(
    Array.from({ length: 40 }, (_, id) => frame(encodeMsgpack([id, null, result]))),
  );
}

function tensor(fields: Record<string, unknown>): unknown {
  const good = { name: 'x', dtype: 'float32', shape: [1], data: Buffer.alloc(4) };
  return { inference_time_us: 1, outputs: [{ ...good, ...fields }] };
}

const kinds: Readonly<Record<string, () => Buffer>> = {
  bytes: () => Buffer.concat([Buffer.of(0, 0, 0, 200), randomBytes(200)]),
  'huge frame': () => Buffer.of(0xff, 0xff, 0xff, 0xff, 1),
  'empty frame': () => Buffer.alloc(4),
  'nested frame': () => frame(Buffer.alloc(10_000, 0x91)),
  'no triple': () => frame(encodeMsgpack({ id: 1 })),
  'unknown id': () => frame(encodeMsgpack([123_456_789, null, {}])),
  'no result': () => answers(null),
  'text result': () => answers('done'),
  'unknown dtype': () => answers(tensor({ dtype: 'float128' })),
  'negative shape': () => answers(tensor({ shape: [-1] })),
  'huge shape': () => answers(tensor({ shape: [2 ** 40, 2 ** 40] })),
  'fraction shape': () => answers(tensor({ shape: [0.5] })),
  'short data': () => answers(tensor({ data: Buffer.alloc(3) })),
  'text data': () => answers(tensor({ data: 'abcd' })),
  'number list': () => answers(tensor({ data: [1] })),
  'long name': () => answers(tensor({ name: 'n'.repeat(5_000) })),
  'no name': () => answers(tensor({ name: 7 })),
  'negative time': () => answers({ inference_time_us: -1, outputs: [] }),
  'two of one name': () => {
    const { outputs } = tensor({}) as { outputs: unknown[] };
    return answers({ inference_time_us: 1, outputs: [...outputs, ...outputs] });
  },
};

export const garbageKinds = Object.keys(kinds);

export function garbage(kind: string): Buffer {
  const make = kinds[kind];
  if (make === undefined) throw new Error(`No garbage of kind ${kind}.`);
  return make();
}
