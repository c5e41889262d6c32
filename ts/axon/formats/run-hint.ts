import type { Manifest } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';

const convertible: ReadonlySet<string> = new Set([
  'torchscript',
  'pytorch',
  'safetensors',
  'saved_model',
]);

/** MLOS comes with a plugin for ONNX. What another format needs, in one sentence; null for ONNX. */
export function runHint({ metadata, spec }: Manifest): string | null {
  const { type, execution_format: format } = spec.format;
  if (format === 'onnx') return null;
  const id = formatModelId(metadata);
  const plugin = `No plugin that comes with MLOS runs ${type}; one whose plugin.yaml has \`formats: [${format}]\` does (\`mlos plugins list\`).`;
  return convertible.has(type)
    ? `${plugin} Or make an ONNX model of it: axon convert ${id}`
    : plugin;
}
