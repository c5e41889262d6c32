import fs from 'node:fs';
import path from 'node:path';
import { stated } from './facts.ts';

const maxConfigBytes = 4 * 1024 * 1024;

/** What config.json beside a model says: its architecture, and whether it wants its own code to be run. */
export interface ConfigFacts {
  readonly architecture: string | null;
  readonly wantsCode: boolean;
}

/** Null where there is none, or none that can be read: it is a hint, the model is not worse without. */
export function configFacts(root: string, files: readonly string[]): ConfigFacts | null {
  const file = files.find((name) => name === 'config.json');
  if (file === undefined || fs.statSync(path.join(root, file)).size > maxConfigBytes) return null;
  let config: Record<string, unknown>;
  try {
    config = (JSON.parse(fs.readFileSync(path.join(root, file), 'utf8')) ?? {}) as typeof config;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const { architectures, model_type: type, auto_map: map } = config;
  const [first] = Array.isArray(architectures) ? (architectures as unknown[]) : [];
  return {
    architecture: stated(first) ?? stated(type),
    wantsCode: typeof map === 'object' && map !== null,
  };
}
