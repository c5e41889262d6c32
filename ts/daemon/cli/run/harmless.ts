/** What a terminal would obey, or would show in another order: all controls but line breaks and tabs. */
const control = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

interface Place {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** A model's words are a stranger's: on a terminal they are shown, never obeyed. A pipe gets them as they are. */
export function harmless(place: Place): { write(text: string): void } {
  return {
    write: (text) => {
      place.write(place.isTTY === true ? text.replace(control, '\ufffd') : text);
    },
  };
}

/** The same, fainter than what stands around it. */
export function dimmed(place: Place): { write(text: string): void } {
  const inner = harmless(place);
  return {
    write: (text) => {
      place.write('\u001b[2m');
      inner.write(text);
      place.write('\u001b[22m');
    },
  };
}
