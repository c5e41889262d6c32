import { exampleInputs } from '../../protocol/example-inputs.ts';
import type { Manifest } from '../../protocol/manifest.ts';
import type { ModelInfoWire } from '../../protocol/methods/model-info.ts';
import { quoted } from '../../protocol/shell-word.ts';

/** A command that can be pasted: zeros for the inputs where they are few, else a file to be filled. */
export function curlCommand(url: string, manifest: Manifest): string {
  const inputs = exampleInputs(manifest.spec.io?.inputs ?? []);
  const data = inputs === null ? '@request.json' : quoted(JSON.stringify({ inputs }));
  return `curl -s ${quoted(url)} -H 'content-type: application/json' -d ${data}`;
}

/**
 * The command that the daemon has for the model; null where it has none. The
 * daemon names its own address, which need not be the one that it is reached by from here.
 */
export function daemonCommand(endpoint: string, model: ModelInfoWire | undefined): string | null {
  const example = model?.tasks[0]?.example ?? model?.example ?? undefined;
  return example?.replace(/https?:\/\/[^/\s']+/, endpoint) ?? null;
}
