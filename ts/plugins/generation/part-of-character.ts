import type { Decode } from './text-stream.ts';

/** How tokenizers of whole characters write a byte of one that they have no token for. */
const bytePiece = /^<0x([0-9A-F]{2})>$/;

/**
 * How tokenizers of bytes write them: those that are printable in Latin-1 as they are, the others in order from
 * U+0100 on. Made by GPT-2 (`bytes_to_unicode` of its encoder), and all that came after it do the same.
 */
const byteOfCharacter: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 256 }, (_, byte) => byte).map((byte) => [characterOf(byte), byte]),
);

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

function characterOf(byte: number): string {
  if (isPrintable(byte)) return String.fromCharCode(byte);
  let before = 0;
  for (let other = 0; other < byte; other++) if (!isPrintable(other)) before += 1;
  return String.fromCharCode(0x100 + before);
}

/** The bytes of a token that is no whole text, such as half of a character; null for all others. */
export function partOfCharacter(decode: Decode, token: number): readonly number[] | null {
  if (decode.pieceOf === undefined || !decode([token]).includes('\ufffd')) return null;
  const piece = decode.pieceOf(token) ?? '';
  const [, hex] = bytePiece.exec(piece) ?? [];
  if (hex !== undefined) return [Number.parseInt(hex, 16)];
  const bytes = [...piece].map((character) => byteOfCharacter.get(character) ?? null);
  return bytes.length > 0 && bytes.every((byte) => byte !== null) ? bytes : null;
}
