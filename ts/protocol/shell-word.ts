/** A text as one word of a POSIX shell, quoted whatever it holds. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The same, as it is where a shell leaves it alone: easier to read. */
export function shellWord(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : quoted(text);
}
