import type { Manifest } from '../../protocol/manifest.ts';
import { exampleInputs } from './example-inputs.ts';

/** A command that can be pasted: zeros for the inputs where they are few, else a file to be filled. */
export function curlCommand(url: string, manifest: Manifest): string {
  const inputs = exampleInputs(manifest);
  const data = inputs === null ? '@request.json' : quote(JSON.stringify({ inputs }));
  return `curl -s ${quote(url)} -H 'content-type: application/json' -d ${data}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
