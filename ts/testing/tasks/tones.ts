/*
 * Sound that a small model understands for certain: a letter is a tone, a pause between two is silence.
 */
export const sampleRate = 16_000;
export const letters = [...'helo'];

/** Tones of whole periods in a frame of the model, so that one is nothing to another. */
export function pitchOf(letter: string): number {
  return 400 * (letters.indexOf(letter) + 1);
}

/** Samples of a word, each letter 100 ms long. `rate`: samples per second. */
export function speak(word: string, rate = sampleRate): Float32Array {
  const length = Math.round(rate / 10);
  const parts = [...word].map((letter) => {
    const frequency = pitchOf(letter);
    return Float32Array.from({ length: 2 * length }, (_, at) =>
      at < length && letter !== ' ' ? 0.5 * Math.sin((2 * Math.PI * frequency * at) / rate) : 0,
    );
  });
  const whole = new Float32Array(parts.length * 2 * length);
  for (const [index, part] of parts.entries()) whole.set(part, index * 2 * length);
  return whole;
}

export interface WavForm {
  readonly rate?: number;
  readonly channels?: number;
  readonly bits?: 8 | 16 | 24 | 32;
  readonly isFloat?: boolean;
}

/** A WAV file, with the same samples in every channel. */
export function wav(samples: Float32Array, form: WavForm = {}): Buffer {
  const { rate = sampleRate, channels = 1, bits = 16, isFloat = false } = form;
  const block = (channels * bits) / 8;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + samples.length * block, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(isFloat ? 3 : 1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * block, 28);
  head.writeUInt16LE(block, 32);
  head.writeUInt16LE(bits, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(samples.length * block, 40);
  const data = Buffer.alloc(samples.length * block);
  const put = (value: number, at: number) => {
    if (isFloat) data.writeFloatLE(value, at);
    else if (bits === 8) data.writeUInt8(Math.round(value * 127) + 128, at);
    else data.writeIntLE(Math.round(value * (2 ** (bits - 1) - 1)), at, bits / 8);
  };
  for (const [index, value] of samples.entries()) {
    for (let channel = 0; channel < channels; channel += 1) {
      put(value, index * block + (channel * bits) / 8);
    }
  }
  return Buffer.concat([head, data]);
}
