/**
 * Sets a property of a record whose names come from models and clients: `__proto__` is a name like any other.
 * Records without a prototype would do as well, and are several times as slow to fill and to read.
 */
export function setOwn<T>(record: Record<string, T>, name: string, value: T): void {
  if (name !== '__proto__') record[name] = value;
  else {
    const own = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(record, name, own);
  }
}
