import path from 'node:path';

/** Of the service that Ollama's installer for Linux sets up, which is a user of its own. */
const serviceModels = '/usr/share/ollama/.ollama/models';

/** Where Ollama itself keeps a blob on this machine, if it has it. */
export function ollamaBlobs(env: NodeJS.ProcessEnv, sha256: string): readonly string[] {
  const own = env['OLLAMA_MODELS'] || path.join(env['HOME'] ?? '', '.ollama', 'models');
  return [own, serviceModels].map((models) => path.join(models, 'blobs', `sha256-${sha256}`));
}
