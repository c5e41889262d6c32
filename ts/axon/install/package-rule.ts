import type { Manifest } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { findPickles } from '../formats/torch/pickle-facts.ts';
import type { PackageSource } from '../hubs/hub.ts';
import { requireTruePickles } from '../package/stated-pickles.ts';
import { requireTrueSchema } from '../package/stated-schema.ts';
import { refusePrograms } from './code-rule.ts';
import type { InstallOptions } from './options.ts';
import { refusePickles } from './pickle-rule.ts';

/**
 * What comes as a package may bring no more than loose files may. What its manifest says of them is somebody's
 * word: the bytes are looked at.
 */
export function admitPackage(
  root: string,
  manifest: Manifest,
  { isProven }: Pick<PackageSource, 'isProven'>,
  options: InstallOptions,
): void {
  const label = `the package ${formatModelId(manifest.metadata)}`;
  const { files } = manifest.spec.format;
  const names = files.map((file) => file.path);
  const pickles = findPickles(root, names);
  requireTruePickles(manifest, pickles);
  requireTrueSchema(root, manifest);
  const unproven = files.filter((file) => !isProven || file.verified_by === 'tofu');
  refusePickles(pickles, new Set(unproven.map((file) => file.path)), options, { label });
  refusePrograms(root, names, options, label);
}
