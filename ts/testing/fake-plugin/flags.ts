import { parseArgs } from 'node:util';

/** How the fake plugin misbehaves before and between requests; what it does in one, the request says. */
export interface FakeFlags {
  /** The process ends at the n-th infer of its life. */
  readonly crashOnInfer: number;
  /** Ends with this exit code before it says hello; −1: does not. */
  readonly exitAtOnce: number;
  readonly neverHello: boolean;
  /** Says hello this much later, in ms. */
  readonly startDelayMs: number;
  readonly smiMajor: number;
  /** Bytes that are no frame, instead of hello. */
  readonly garbageHello: boolean;
  readonly concurrency: number;
  readonly ignoreSigterm: boolean;
  /** From this long after the start the event loop stands still, in ms; −1: never. */
  readonly freezeAfterMs: number;
  readonly version: string;
}

export const defaultFlags: FakeFlags = {
  crashOnInfer: 0,
  exitAtOnce: -1,
  neverHello: false,
  startDelayMs: 0,
  smiMajor: 1,
  garbageHello: false,
  concurrency: 1,
  ignoreSigterm: false,
  freezeAfterMs: -1,
  version: '1.0.0',
};

/** One argument for all of them: they are for programs to write, not for people. */
export function writeFlags(flags: Partial<FakeFlags>): string[] {
  return ['--flags', JSON.stringify(flags)];
}

export function readFlags(args: readonly string[]): FakeFlags {
  const { values } = parseArgs({ args: [...args], options: { flags: { type: 'string' } } });
  return { ...defaultFlags, ...(JSON.parse(values.flags ?? '{}') as Partial<FakeFlags>) };
}
