/*
 * The numbers of protobuf fields, kept in a file of their own because they can never be derived again:
 * a number that once meant something is taken for good, or old clients would read one thing as another.
 * The file only grows. A line is `message number name type`; what is no longer declared stays in it, and
 * the .proto says "reserved".
 */
export class FieldNumbers {
  /** message → [{number, name, type}] in the order of their numbers. */
  #messages = new Map();

  constructor(text) {
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const [message, number, name, ...type] = line.split(' ');
      this.#of(message).push({ number: Number(number), name, type: type.join(' ') });
    }
  }

  /** The number of a field; a new name, or a name whose type has changed, gets the next one. */
  number(message, name, type) {
    const fields = this.#of(message);
    const known = fields.find((field) => field.name === name && field.type === type);
    if (known !== undefined) return known.number;
    const number = Math.max(0, ...fields.map((field) => field.number)) + 1;
    fields.push({ number, name, type });
    return number;
  }

  /** Numbers that were given and mean nothing now, and the names that nothing has now. */
  reserved(message, numbers, names) {
    const gone = this.#of(message).filter(({ number }) => !numbers.includes(number));
    return {
      numbers: gone.map(({ number }) => number),
      names: [...new Set(gone.map(({ name }) => name))].filter((name) => !names.includes(name)),
    };
  }

  text() {
    const lines = [...this.#messages]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([message, fields]) =>
        fields.map(({ number, name, type }) => `${message} ${number} ${name} ${type}`),
      );
    return `# Every field number that was ever given: message, number, name, type. Lines are only added.\n${lines.join('\n')}\n`;
  }

  #of(message) {
    if (!this.#messages.has(message)) this.#messages.set(message, []);
    return this.#messages.get(message);
  }
}
