import type { ByteSource } from '../bytes/byte-source.ts';
import { Cursor } from '../bytes/cursor.ts';
import { FormatError } from '../bytes/read-file.ts';
import { opcodes, type PickleEvents } from './opcodes.ts';
import { PickleMachine } from './pickle-machine.ts';
import { other, type PickleValue } from './pickle-values.ts';

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
  /** Why it could not be followed to its end, or null. */
  readonly broken: string | null;
}

const maxSteps = 20_000_000;
const maxNames = 1_000;
const maxStorages = 1_000_000;
const stop = 0x2e;

class Seen implements PickleEvents {
  readonly names = new Set<string>();
  readonly storages = new Map<string, { type: string; elements: number }>();

  name(name: string): PickleValue {
    if (this.names.size >= maxNames) throw new FormatError(`it names more than ${maxNames} things`);
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
  const scanned = (result: PickleValue, broken: string | null): PickleScan => ({
    names: seen.names,
    storages: seen.storages,
    result,
    end: cursor.at,
    broken,
  });
  try {
    return scanned(follow(cursor, seen), null);
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof RangeError)) throw error;
    return scanned(other, error.message); // Rule 1
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
  throw new FormatError(`more than ${maxSteps} steps`);
}
