import { AxonError } from '../../axon-error.ts';
import { readFile } from '../bytes/read-file.ts';
import { countsOf, type ModelFacts, stated } from '../facts.ts';
import { type GgufValue, readGguf } from './read-gguf.ts';
import { fileTypes } from './tensor-types.ts';

/** What the first part says of the model, and what all parts together hold. */
export function ggufFacts(root: string, parts: readonly string[]): ModelFacts {
  const read = parts.map((file) => readFile(root, file, 'GGUF file', readGguf));
  const [first] = read;
  if (first === undefined) return {};
  const { values } = first;
  const split = numberOf(values.get('split.count'));
  if (split !== null && split > 1 && split !== parts.length)
    throw new AxonError(
      'INVALID_PACKAGE',
      `${parts[0]} says that it is one of ${split} parts; ${parts.length} are there.`,
    );
  const elements = new Map<string, number>();
  for (const part of read)
    for (const [type, count] of part.elements)
      elements.set(type, (elements.get(type) ?? 0) + count);
  const architecture = stated(values.get('general.architecture'));
  const name = stated(values.get('general.name'));
  const context = numberOf(values.get(`${architecture ?? ''}.context_length`));
  const quantisation = fileTypes[numberOf(values.get('general.file_type')) ?? -1];
  const license = stated(values.get('general.license'));
  return {
    model: {
      ...(architecture === null ? {} : { architecture }),
      ...(name === null ? {} : { name }),
      ...(quantisation === undefined ? {} : { quantization: quantisation }),
      ...(context === null ? {} : { context_length: context }),
      chat_template: values.has('tokenizer.chat_template'),
      tensors: read.reduce((sum, part) => sum + part.tensors, 0),
      ...countsOf(elements),
    },
    ...(license === null ? {} : { license }),
  };
}

function numberOf(value: GgufValue | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
