/** Texts of 3 to 30 words, in an order of no pattern: every client gets the same ones in turn. */
const words = 'hello mlos the cat sat on a mat in paris is nice very'.split(' ');

export const texts = Array.from({ length: 61 }, (_, index) => {
  const length = 3 + ((index * 17) % 28);
  return Array.from({ length }, (_unused, at) => words[(index * 7 + at * 5) % words.length]).join(
    ' ',
  );
});

/** The next text each time; `from` is where this one begins. */
export function turns(from = 0) {
  let at = from;
  return () => texts[at++ % texts.length];
}
