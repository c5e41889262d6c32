import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/*
 * A model that reads and writes is two files, by the names that exporters give them: encoder_model.onnx beside
 * decoder_model_merged.onnx (with and without a past in one) or decoder_model.onnx (without).
 */
const pattern = /^(encoder_model|decoder_model(?:_merged)?)(_\w+)?\.onnx$/;

export interface Sessions {
  readonly encoder: string;
  readonly decoder: string;
}

/** The two that belong together, of which `file` is one; null: it is a model for itself. */
export function sessionsOf(file: string): Sessions | null {
  const match = pattern.exec(basename(file));
  if (match === null) return null;
  const [, name, variant = ''] = match;
  const beside = (other: string) => join(dirname(file), `${other}${variant}.onnx`);
  if (name !== 'encoder_model') {
    const encoder = beside('encoder_model');
    return existsSync(encoder) ? { encoder, decoder: file } : null;
  }
  const decoder = ['decoder_model_merged', 'decoder_model'].map(beside).find(existsSync);
  return decoder === undefined ? null : { encoder: file, decoder };
}
