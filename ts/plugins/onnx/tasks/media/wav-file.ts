import { limits } from '../../../../protocol/limits.ts';

/*
 * What a WAV file says of itself is checked before a decoder believes it: a header of 44 bytes can claim blocks and
 * channels that become gigabytes. Chunks are those of RIFF, padded to even lengths; format tags and block sizes those
 * of Microsoft's and IBM's "Multimedia Programming Interface" and its ADPCM supplement.
 */
interface Format {
  readonly tag: number;
  readonly channels: number;
  readonly rate: number;
  readonly blockBytes: number;
  readonly bits: number;
  /** Of ADPCM; 0: not said. */
  readonly samplesPerBlock: number;
  readonly isExtensible: boolean;
}

const tags = {
  pcm: 1,
  msAdpcm: 2,
  float: 3,
  aLaw: 6,
  muLaw: 7,
  imaAdpcm: 0x11,
  extensible: 0xfffe,
};

/** Bits of a sample by tag. */
const widths = new Map<number, readonly number[]>([
  [tags.pcm, [8, 16, 24, 32]],
  [tags.float, [32, 64]],
  [tags.aLaw, [8]],
  [tags.muLaw, [8]],
  [tags.msAdpcm, [4]],
  [tags.imaAdpcm, [4]],
]);

const riffHeadBytes = 12;
const chunkHeadBytes = 8;
const leastFormatBytes = 16;
/** With the samples of a block. */
const adpcmBytes = 20;
/** With the subformat, which begins with the tag that is meant. */
const extensibleBytes = 40;
const unknownLength = 0xffff_ffff;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Errors: RangeError with what is wrong, as decoders throw theirs. */
function readFormat(chunk: Uint8Array): Format {
  const view = viewOf(chunk);
  const outer = chunk.length < leastFormatBytes ? 0 : view.getUint16(0, true);
  const isExtensible = outer === tags.extensible;
  const least = isExtensible ? extensibleBytes : isAdpcm(outer) ? adpcmBytes : leastFormatBytes;
  if (chunk.length < least) throw new RangeError('its format is cut short.');
  return {
    tag: isExtensible ? view.getUint16(24, true) : outer,
    channels: view.getUint16(2, true),
    rate: view.getUint32(4, true),
    blockBytes: view.getUint16(12, true),
    bits: view.getUint16(14, true),
    samplesPerBlock: isAdpcm(outer) ? view.getUint16(18, true) : 0,
    isExtensible,
  };
}

function isAdpcm(tag: number): boolean {
  return tag === tags.msAdpcm || tag === tags.imaAdpcm;
}

/** Samples of each channel that a block of ADPCM holds: its head has the first ones, a nibble each of the others. */
function adpcmSamples({ tag, channels, blockBytes }: Format): number {
  const [headBytes, inHead] = tag === tags.msAdpcm ? [7, 2] : [4, 1];
  return ((blockBytes - headBytes * channels) * 2) / channels + inHead;
}

function checkFormat(format: Format): void {
  const { tag, channels, blockBytes, bits, samplesPerBlock, isExtensible } = format;
  const width = widths.get(tag);
  if (width === undefined || (isExtensible && isAdpcm(tag))) {
    throw new RangeError(`Unsupported WAV format: 0x${tag.toString(16)}`);
  }
  if (!width.includes(bits)) throw new RangeError(`samples of ${bits} bits are not read.`);
  if (channels === 0) throw new RangeError('it has no channels.');
  if (isAdpcm(tag) ? adpcmFits(format) : blockBytes === (channels * bits) / 8) return;
  const samples = samplesPerBlock === 0 ? '' : ` with ${samplesPerBlock} samples each`;
  throw new RangeError(`blocks of ${blockBytes} bytes${samples} are not those of its format.`);
}

function adpcmFits(format: Format): boolean {
  const { tag, channels, blockBytes, samplesPerBlock } = format;
  const samples = adpcmSamples(format);
  const isWhole = tag === tags.msAdpcm ? channels <= 2 : blockBytes % (4 * channels) === 0;
  return (
    isWhole &&
    Number.isInteger(samples) &&
    samples >= 2 &&
    (samplesPerBlock === 0 || samplesPerBlock === samples)
  );
}

export interface WavFile {
  readonly channels: number;
  readonly rate: number;
  /** The file again, with nothing in it but its format and its samples. */
  readonly parts: readonly Uint8Array[];
}

/** Errors: RangeError with what is wrong. Channels and rate are the caller's to judge. */
export function readWav(file: Uint8Array): WavFile {
  const view = viewOf(file);
  let chunk: Uint8Array | null = null;
  for (let at = riffHeadBytes; at + chunkHeadBytes <= file.length; ) {
    const name = view.getUint32(at, false);
    const size = view.getUint32(at + 4, true);
    const begin = at + chunkHeadBytes;
    const isOpen = size === 0 || size === unknownLength;
    if (name === 0x66_6d_74_20 && size <= limits.wavFormatBytes) {
      chunk = file.subarray(begin, begin + size);
    } else if (name === 0x64_61_74_61) {
      if (chunk === null) throw new RangeError('its samples come before their format.');
      // What streams write before they know better.
      return wavOf(chunk, file.subarray(begin, isOpen ? file.length : begin + size));
    }
    at = begin + size + (size % 2);
  }
  throw new RangeError('it has no samples.');
}

function wavOf(chunk: Uint8Array, data: Uint8Array): WavFile {
  const format = readFormat(chunk);
  if (format.channels <= limits.audioChannels) checkFormat(format);
  const head = Buffer.alloc(riffHeadBytes + 2 * chunkHeadBytes);
  head.write('RIFF', 0);
  head.writeUInt32LE(unknownLength, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(chunk.length, 16);
  head.write('data', 20);
  head.writeUInt32LE(data.length, 24);
  const start = new Uint8Array(head.length + chunk.length);
  start.set(head.subarray(0, 20));
  start.set(chunk, 20);
  start.set(head.subarray(20), 20 + chunk.length);
  return { channels: format.channels, rate: format.rate, parts: [start, data] };
}
