import type { ByteSource } from '../bytes/byte-source.ts';
import { Cursor } from '../bytes/cursor.ts';
import { FormatError } from '../bytes/read-file.ts';
import { opcodes, type PickleEvents } from './opcodes.ts';
import { PickleMachine } from './pickle-machine.ts';
import { other, type PickleValue } from './pickle-values.ts';
import { ReaderLimit } from './reader-limit.ts';

/*
 * A pickle is a program. It is walked, never run: each opcode moves a stack as its loader would, so that every name
 * it imports is seen, also one put together from texts.
 * 1. A loader runs opcodes as they come, so names count although the pickle breaks off later.
 * 2. What cannot be followed (a computed name, an extension code) is itself a name that nobody allows.
 */
export interface PickleScan {
  readonly names: ReadonlySet<string>;
  /** Tensor storages by key: the name of their class, and how many elements. */
  readonly storages: ReadonlyMap<string, { readonly type: string; readonly elements: number }>;
  /** What was on top when it stopped. */
  readonly result: PickleValue;
  readonly end: number;
  /** Whether anything is called, or has its state set. */
  readonly calls: boolean;
  readonly ending: PickleEnding;
  /** Why it could not be followed to its end, or null. */
  readonly broken: string | null;
}

/**
 * `stop`: as it should. `fault`: no loader goes on there. `short`: the bytes end before it. `limit`: this reader goes
 * no further.
 */
export type PickleEnding = 'stop' | 'fault' | 'short' | 'limit';

const maxSteps = 20_000_000;
const maxNames = 1_000;
const maxStorages = 1_000_000;
const stop = 0x2e;

class Seen implements PickleEvents {
  readonly names = new Set<string>();
  readonly storages = new Map<string, { type: string; elements: number }>();

  calls = false;

  call(): void {
    this.calls = true;
  }

  name(name: string): PickleValue {
    if (this.names.size >= maxNames) throw new ReaderLimit(`it names more than ${maxNames} things`);
    this.names.add(name.slice(0, 200));
    return { kind: 'name', name };
  }

  /** ('storage', class, key, device, elements): how PyTorch points to the data of a tensor. */
  persistent(id: PickleValue): void {
    if (id.kind !== 'tuple') return;
    const [mark, type, key, , elements] = id.items;
    if (mark?.kind !== 'text' || mark.text !== 'storage' || type?.kind !== 'name') return;
    if (key?.kind !== 'text' || elements?.kind !== 'number') return;
    if (this.storages.size < maxStorages)
      this.storages.set(key.text, { type: type.name, elements: elements.number });
  }
}

export function scanPickle(bytes: ByteSource, start = 0): PickleScan {
  const cursor = new Cursor(bytes, start);
  const seen = new Seen();
  const scanned = (
    result: PickleValue,
    ending: PickleEnding,
    broken: string | null,
  ): PickleScan => ({
    names: seen.names,
    storages: seen.storages,
    calls: seen.calls,
    result,
    end: cursor.at,
    ending,
    broken,
  });
  try {
    return scanned(follow(cursor, seen), 'stop', null);
  } catch (error) {
    // Rule 1
    if (error instanceof RangeError) return scanned(other, 'short', error.message);
    if (error instanceof ReaderLimit) return scanned(other, 'limit', error.message);
    if (error instanceof FormatError) return scanned(other, 'fault', error.message);
    throw error;
  }
}

function follow(cursor: Cursor, seen: Seen): PickleValue {
  const machine = new PickleMachine();
  for (let steps = 0; steps < maxSteps; steps++) {
    const code = cursor.u8();
    if (code === stop) return machine.pop();
    const step = opcodes.get(code);
    if (step === undefined) throw new FormatError(`no opcode ${code}`);
    step(cursor, machine, seen);
  }
  throw new ReaderLimit(`more than ${maxSteps} steps`);
}
