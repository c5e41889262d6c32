import { setImmediate as turn } from 'node:timers/promises';
import { MlosError } from '../../../../protocol/errors.ts';
import { limits } from '../../../../protocol/limits.ts';
import { isWav, openDecoder, recordingFormats, type Sound } from './audio-decoder.ts';
import { Resampler } from './resampler.ts';
import { readWav } from './wav-file.ts';

/** So many bytes are decoded before others get their turn: of silence, a few bytes make thousands of samples. */
const stepBytes = 4 * 1024;
/** Recordings of floats go from −1 to 1; some have the values of integers of 32 bits. */
const loudest = 2 ** 31;

function invalid(why: string, cause?: unknown): MlosError {
  return new MlosError(
    'INVALID_VALUE',
    `Input "audio" is no recording that can be read (${recordingFormats}): ${why}`,
    ...(cause === undefined ? [] : [{ cause }]),
  );
}

/** The mean of the channels, as librosa and torchaudio's users take it. */
function toMono({ channelData }: Sound): Float32Array {
  const [first = new Float32Array(0), ...others] = channelData;
  if (others.length === 0) return first;
  return first.map((value, at) => {
    const sum = others.reduce((so, channel) => so + (channel[at] ?? 0), value);
    return sum / channelData.length;
  });
}

function checkForm(channels: number, rate: number): void {
  const { audioChannels, audioLeastSampleRate: least, audioSampleRate: most } = limits;
  if (channels > audioChannels) {
    throw new MlosError(
      'PAYLOAD_TOO_LARGE',
      `The recording has ${channels} channels; the limit is ${audioChannels}.`,
    );
  }
  if (!(rate >= least && rate <= most)) {
    throw invalid(`it has ${rate} samples per second; ${least} to ${most} are read.`);
  }
}

/** NaN and what is far beyond any loudness would become scores that are no numbers. */
function checkSamples(samples: Float32Array): void {
  for (const value of samples) {
    if (!(Math.abs(value) <= loudest)) throw invalid(`a sample of it is ${value}.`);
  }
}

/** Collects one recording at the rate that the model wants. */
class Collector {
  readonly #rate: number;
  readonly #parts: Float32Array[] = [];
  #seconds = 0;
  #resampler: Resampler | null = null;

  constructor(rate: number) {
    this.#rate = rate;
  }

  async add(sound: Sound): Promise<void> {
    const [first] = sound.channelData;
    if (first === undefined || first.length === 0) return;
    checkForm(sound.channelData.length, sound.sampleRate);
    this.#seconds += first.length / sound.sampleRate;
    if (this.#seconds > limits.audioSeconds) {
      throw new MlosError(
        'PAYLOAD_TOO_LARGE',
        `The recording is longer than ${limits.audioSeconds} s.`,
      );
    }
    this.#resampler ??= await Resampler.open(sound.sampleRate, this.#rate);
    if (this.#resampler.from !== sound.sampleRate) {
      throw invalid('its samples per second change on the way.');
    }
    const mono = toMono(sound);
    checkSamples(mono);
    this.#parts.push(this.#resampler.add(mono));
  }

  end(): Float32Array {
    if (this.#resampler !== null) this.#parts.push(this.#resampler.end());
    const whole = new Float32Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    if (whole.length === 0) throw invalid('it has no samples.');
    return whole;
  }

  close(): void {
    this.#resampler?.close();
  }
}

/** What a decoder is given. */
function partsOf(file: Uint8Array): readonly Uint8Array[] {
  if (!isWav(file)) return [file];
  const { channels, rate, parts } = readWav(file);
  checkForm(channels, rate);
  return parts;
}

/**
 * The samples of a recording, −1 to 1, one channel, `rate` a second. Errors: INVALID_VALUE, PAYLOAD_TOO_LARGE,
 * the signal's reason.
 */
export async function readRecording(
  file: Uint8Array,
  rate: number,
  signal: AbortSignal,
): Promise<Float32Array> {
  // No Buffer: decoders slice, which makes no copy of one.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  const collector = new Collector(rate);
  const decoder = await openDecoder(bytes);
  if (decoder === null) throw invalid('its first bytes are of another kind.');
  try {
    for (const part of partsOf(bytes)) {
      for (let at = 0; at < part.length; at += stepBytes) {
        signal.throwIfAborted();
        await collector.add(decoder.decode(part.subarray(at, at + stepBytes)));
        await turn();
      }
    }
    await collector.add(decoder.flush());
    return collector.end();
  } catch (error) {
    if (error instanceof MlosError || signal.aborted) throw error;
    throw invalid((error as Error).message, error);
  } finally {
    decoder.free();
    collector.close();
  }
}
