import type { Manifest } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';

const convertible: ReadonlySet<string> = new Set([
  'torchscript',
  'pytorch',
  'safetensors',
  'saved_model',
]);

/** Formats of the plugins that MLOS comes with. */
const runnable: ReadonlySet<string> = new Set(['onnx', 'gguf']);

/** What a format needs that no plugin of MLOS itself runs, in one sentence; null for the others. */
export function runHint({ metadata, spec }: Manifest): string | null {
  const { type, execution_format: format } = spec.format;
  if (runnable.has(format)) return null;
  const id = formatModelId(metadata);
  const plugin = `No plugin that comes with MLOS runs ${type}; one whose plugin.yaml has \`formats: [${format}]\` does (\`mlos plugins list\`).`;
  return convertible.has(type)
    ? `${plugin} Or make an ONNX model of it: axon convert ${id}`
    : plugin;
}
