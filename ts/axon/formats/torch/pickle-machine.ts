import { FormatError } from '../bytes/read-file.ts';
import { other, type PickleValue, tupleOf } from './pickle-values.ts';
import { ReaderLimit } from './reader-limit.ts';

const maxDepth = 4_000_000;

/** The stack and memo of a pickle, as its loader has them: so that a name put together there is seen. */
export class PickleMachine {
  readonly #memo = new Map<number, PickleValue>();
  readonly #marks: number[] = [];
  #stack: PickleValue[] = [];

  push(value: PickleValue): void {
    if (this.#stack.length >= maxDepth) throw new ReaderLimit('a stack without end');
    this.#stack.push(value);
  }

  pop(): PickleValue {
    const value = this.#stack.length > (this.#marks.at(-1) ?? 0) ? this.#stack.pop() : undefined;
    if (value === undefined) throw new FormatError('it takes from an empty stack');
    return value;
  }

  top(): PickleValue {
    const value = this.pop();
    this.#stack.push(value);
    return value;
  }

  drop(count: number): void {
    for (let index = 0; index < count; index++) this.pop();
  }

  mark(): void {
    if (this.#marks.length >= maxDepth) throw new ReaderLimit('marks without end');
    this.#marks.push(this.#stack.length);
  }

  /** POP takes a mark where there is nothing above it. */
  popOrMark(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  toMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new FormatError('it looks for a mark that is not there');
    const above = this.#stack.length - mark > 64 ? [] : this.#stack.slice(mark);
    const count = this.#stack.length - mark;
    this.#stack.length = mark;
    // A long list of items is not looked into; what matters is that it is no short tuple.
    return count > 64 ? Array.from({ length: 65 }, () => other) : above;
  }

  tuple(count: number): void {
    const items: PickleValue[] = [];
    for (let index = 0; index < count; index++) items.unshift(this.pop());
    this.push(tupleOf(items));
  }

  memoize(key: number | null): void {
    if (this.#memo.size >= maxDepth) throw new ReaderLimit('a memo without end');
    this.#memo.set(key ?? this.#memo.size, this.top());
  }

  recall(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) throw new FormatError(`it recalls ${key}, which it never kept`);
    this.push(value);
  }
}
