import type { Manifest } from '../../protocol/manifest.ts';
import type { ModelInfoWire } from '../../protocol/methods/model-info.ts';
import { exampleInputs } from './example-inputs.ts';

/** A command that can be pasted: zeros for the inputs where they are few, else a file to be filled. */
export function curlCommand(url: string, manifest: Manifest): string {
  const inputs = exampleInputs(manifest);
  const data = inputs === null ? '@request.json' : quote(JSON.stringify({ inputs }));
  return `curl -s ${quote(url)} -H 'content-type: application/json' -d ${data}`;
}

/**
 * The command that the daemon has for what the model is for; null where it knows of nothing but tensors. The
 * daemon names its own address, which need not be the one that it is reached by from here.
 */
export function taskCommand(endpoint: string, model: ModelInfoWire | undefined): string | null {
  const example = model?.tasks[0]?.example;
  return example?.replace(/https?:\/\/[^/\s']+/, endpoint) ?? null;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
