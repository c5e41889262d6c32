import fs from 'node:fs';
import path from 'node:path';
import { didYouMean } from '../../protocol/nearest.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { fileHub } from './file/file-hub.ts';
import { ghHub } from './gh/gh-hub.ts';
import { hfHub } from './hf/hf-hub.ts';
import { httpsHub } from './https/https-hub.ts';
import type { Hub, HubSpec } from './hub.ts';
import { kaggleHub } from './kaggle/kaggle-hub.ts';
import { modelscopeHub } from './modelscope/modelscope-hub.ts';
import { npmHub } from './npm/npm-hub.ts';
import { ociHub } from './oci/oci-hub.ts';
import { ollamaHub } from './ollama/ollama-hub.ts';
import { pypiHub } from './pypi/pypi-hub.ts';
import { pytorchHub } from './pytorch/pytorch-hub.ts';
import { tfhubHub } from './tfhub/tfhub-hub.ts';

/** Every hub that there is. A new one is a folder beside these and a line here. */
export const hubs: readonly Hub[] = [
  hfHub,
  pytorchHub,
  tfhubHub,
  kaggleHub,
  modelscopeHub,
  npmHub,
  pypiHub,
  ociHub,
  ollamaHub,
  ghHub,
  httpsHub,
  fileHub,
];

export function parseSpec(text: string, context: Context): HubSpec {
  const claimer = hubs.find((hub) => hub.claims?.(text, context.cwd) === true);
  if (claimer !== undefined) return claimer.parse(text, context);
  const slash = text.indexOf('/');
  const name = slash < 0 ? text : text.slice(0, slash);
  const works = hubs.map((hub) => hub.example).join(', ');
  const hub = hubs.find((candidate) => candidate.names.includes(name));
  if (slash <= 0 || hub === undefined) {
    const names = hubs.flatMap((candidate) => candidate.names);
    const isName = /^[\w.@+-]+$/.test(text);
    const near = slash > 0 ? didYouMean(name, names) : isName ? ` Is hf/${text} meant?` : '';
    const isFile = fs.existsSync(path.resolve(context.cwd, text));
    const hint = isFile ? ` Is ./${text} meant?` : near;
    throw new AxonError(
      'INVALID_SPEC',
      `${JSON.stringify(text)} names no hub.${hint} What works: ${works}.`,
    );
  }
  return hub.parse(text.slice(slash + 1), context);
}
