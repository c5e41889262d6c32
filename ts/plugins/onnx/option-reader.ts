/** How one option is read: puts the value into `target`, or says that it is not right. */
export interface OptionReader<T> {
  /** What would be right, for messages. */
  readonly right: string;
  read(target: T, value: unknown): boolean;
}

export function count<T>(
  range: { readonly min: number; readonly max: number },
  right: string,
  set: (target: T, value: number) => void,
): OptionReader<T> {
  return {
    right,
    read(target, value) {
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) return false;
      if (value < range.min || value > range.max) return false;
      set(target, value);
      return true;
    },
  };
}

export function oneOf<T, W extends string>(
  words: readonly W[],
  set: (target: T, value: W) => void,
): OptionReader<T> {
  return {
    right: `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`,
    read(target, value) {
      if (!words.includes(value as W)) return false;
      set(target, value as W);
      return true;
    },
  };
}

export function flag<T>(set: (target: T, value: boolean) => void): OptionReader<T> {
  return {
    right: 'true or false',
    read(target, value) {
      if (typeof value !== 'boolean') return false;
      set(target, value);
      return true;
    },
  };
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
