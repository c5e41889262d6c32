import { readFile } from '../bytes/read-file.ts';
import { type ModelFacts, stated } from '../facts.ts';
import { ioSchema } from '../io-schema.ts';
import { readMetaGraphs } from './read-signatures.ts';

const initOp = '__saved_model_init_op';

/** Inputs and outputs of the default signature, or of the only one. */
export function savedModelFacts(root: string, file: string): ModelFacts {
  const graphs = readFile(root, file, 'SavedModel', readMetaGraphs);
  const graph = graphs.find(({ tags }) => tags.includes('serve')) ?? graphs[0];
  if (graph === undefined) return {};
  const names = [...graph.signatures.keys()].filter((name) => name !== initOp);
  const chosen = names.length === 1 ? names[0] : 'serving_default';
  const signature = graph.signatures.get(chosen ?? '');
  const version = stated(graph.tensorflow, 64);
  return {
    framework: { name: 'tensorflow', ...(version === null ? {} : { version }) },
    io: signature === undefined ? null : ioSchema(signature),
    model: { signatures: names.filter((name) => name.length <= 200).slice(0, 64) },
  };
}
