/** Samples as decoders give them, −1 to 1. */
export interface Sound {
  readonly channelData: readonly Float32Array[];
  readonly sampleRate: number;
}

export interface AudioDecoder {
  decode(bytes: Uint8Array): Sound;
  flush(): Sound;
  free(): void;
}

interface Codec {
  decoder(): Decoder | Promise<Decoder>;
}

type Decoder = Omit<AudioDecoder, 'flush'> & Partial<Pick<AudioDecoder, 'flush'>>;

const text = (bytes: Uint8Array, from: number, to: number) =>
  Buffer.from(bytes.subarray(from, to)).toString('latin1');

/** An MPEG frame begins with eleven bits that are set; tags may come before the first. */
const isMp3 = (bytes: Uint8Array) =>
  text(bytes, 0, 3) === 'ID3' || (bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe0) === 0xe0);

/** By a file's first bytes. A codec is loaded when the first file of its kind comes. */
const codecs: readonly (readonly [(bytes: Uint8Array) => boolean, () => Promise<unknown>])[] = [
  [isWav, () => import('@audio/decode-wav')],
  // The first page of an Ogg file has 28 bytes of its own, then the codec's name.
  [
    (bytes) => text(bytes, 0, 4) === 'OggS' && text(bytes, 28, 35) === '\u0001vorbis',
    () => import('@audio/decode-vorbis'),
  ],
  [isMp3, () => import('@audio/decode-mp3')],
];

export const recordingFormats = 'WAV, MP3 or Ogg Vorbis';

/** What a decoder says at its end where it holds nothing back. */
const nothing: Sound = { channelData: [], sampleRate: 0 };

export function isWav(bytes: Uint8Array): boolean {
  return text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 12) === 'WAVE';
}

/** Null: of no kind that is read here. */
export async function openDecoder(bytes: Uint8Array): Promise<AudioDecoder | null> {
  const found = codecs.find(([isIt]) => isIt(bytes));
  if (found === undefined) return null;
  const decoder = await ((await found[1]()) as Codec).decoder();
  return {
    decode: (part) => decoder.decode(part),
    flush: () => decoder.flush?.() ?? nothing,
    free: () => decoder.free(),
  };
}
