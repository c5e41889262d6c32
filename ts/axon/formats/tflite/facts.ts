import { readFile } from '../bytes/read-file.ts';
import type { ModelFacts } from '../facts.ts';
import { ioSchema } from '../io-schema.ts';
import { readTflite } from './read-tflite.ts';

/** Inputs and outputs of the first graph: the one that an interpreter runs. */
export function tfliteFacts(root: string, file: string): ModelFacts {
  return { io: ioSchema(readFile(root, file, 'TFLite model', readTflite)) };
}
