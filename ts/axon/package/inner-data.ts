import type { Manifest } from '../../protocol/manifest.ts';
import { AxonError } from '../axon-error.ts';
import { isFormat } from '../formats/file-kinds.ts';
import { filesNamedBy } from '../formats/read-facts.ts';

/**
 * A model may name further files that its runtime opens: data of an ONNX model, shards of an index. Each
 * must be a file of the package, or somebody's package could make the daemon read what lies outside of it.
 */
export function requireInnerData(root: string, manifest: Manifest): void {
  const { type, files, execution_files: run = [] } = manifest.spec.format;
  const names = files.map((file) => file.path);
  const models = names.filter((name) => name.endsWith('.onnx'));
  const wanted = new Set([
    ...filesNamedBy('onnx', root, models, names),
    ...(isFormat(type)
      ? filesNamedBy(
          type,
          root,
          run.map((file) => file.path),
          names,
        )
      : []),
  ]);
  for (const name of wanted) {
    if (names.includes(name)) continue;
    throw new AxonError(
      'UNSAFE_PACKAGE',
      `The model opens ${JSON.stringify(name.slice(0, 200))}, which is no file of the package. Nothing was installed.`,
    );
  }
}
