import libsamplerate from '@alexanderolsen/libsamplerate-js';

const { create, ConverterType } = libsamplerate;
type Converter = Awaited<ReturnType<typeof create>>;

/** Half of the filter, in samples of the slower of both rates: more than it has. */
const tailSamples = 128;

/** Changes the number of samples per second, by libsamplerate's band-limited interpolation (121 dB). */
export class Resampler {
  readonly from: number;
  readonly #to: number;
  /** Null: nothing is to be done. */
  readonly #converter: Converter | null;
  #taken = 0;
  #given = 0;

  static async open(from: number, to: number): Promise<Resampler> {
    const converterType = ConverterType.SRC_SINC_MEDIUM_QUALITY;
    return new Resampler(
      from,
      to,
      from === to ? null : await create(1, from, to, { converterType }),
    );
  }

  private constructor(from: number, to: number, converter: Converter | null) {
    this.from = from;
    this.#to = to;
    this.#converter = converter;
  }

  add(samples: Float32Array): Float32Array {
    this.#taken += samples.length;
    if (this.#converter === null) return samples;
    // The converter's answer lies in its own memory, which the next call writes over.
    const out = this.#converter.simple(samples).slice();
    this.#given += out.length;
    return out;
  }

  /** What is still held back, so that the whole has the length that it should. */
  end(): Float32Array {
    const wanted = Math.round((this.#taken * this.#to) / this.from) - this.#given;
    if (this.#converter === null || wanted <= 0) return new Float32Array(0);
    const silence = new Float32Array(Math.ceil(tailSamples * Math.max(1, this.from / this.#to)));
    return this.#converter.simple(silence).slice(0, wanted);
  }

  close(): void {
    this.#converter?.destroy();
  }
}
