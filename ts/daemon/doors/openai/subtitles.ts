/** A piece of a recording with its time, in seconds; the end is null where the recording was cut in it. */
export interface SpokenPiece {
  readonly text: string;
  readonly start: number;
  readonly end: number | null;
}

/** hours:minutes:seconds and milliseconds, as both forms have it but for one character. */
function clock(seconds: number, point: ',' | '.'): string {
  const all = Math.max(0, Math.round(seconds * 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(all / 3_600_000), Math.floor(all / 60_000) % 60];
  const rest = `${two(Math.floor(all / 1000) % 60)}${point}${String(all % 1000).padStart(3, '0')}`;
  return `${two(hours)}:${two(minutes)}:${rest}`;
}

/** An empty line would end a subtitle within its text. */
function lineOf(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, '\n');
}

/** Where a piece has no end, it is shown until the next one begins. */
function timed(pieces: readonly SpokenPiece[], point: ',' | '.') {
  return pieces.map(({ text, start, end }, index) => {
    const until = end ?? pieces[index + 1]?.start ?? start;
    return `${clock(start, point)} --> ${clock(until, point)}\n${lineOf(text)}\n`;
  });
}

/** SubRip. */
export function srt(pieces: readonly SpokenPiece[]): string {
  return timed(pieces, ',')
    .map((block, index) => `${index + 1}\n${block}\n`)
    .join('');
}

/** WebVTT, in which `-->` within a text would be read as a time. */
export function vtt(pieces: readonly SpokenPiece[]): string {
  const escaped = pieces.map((piece) => ({
    ...piece,
    text: piece.text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
  }));
  return `WEBVTT\n\n${timed(escaped, '.')
    .map((block) => `${block}\n`)
    .join('')}`;
}
