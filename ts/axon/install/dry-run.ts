import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { formatModelId, type ModelId } from '../../protocol/model-id.ts';
import type { Context } from '../context.ts';
import type { Source } from '../hubs/hub.ts';
import { licenseFile } from '../hubs/license-file.ts';
import { isInstalled } from '../store/catalog.ts';
import { dryRunPackage } from './dry-run-package.ts';
import { planFiles } from './gather.ts';
import { type InstallOptions, type InstallResult, sum } from './options.ts';

/** Says what would come. A source that lists its files only inside an archive has to fetch that. */
export async function dryRun(
  source: Source,
  id: ModelId,
  options: InstallOptions,
  context: Context,
): Promise<InstallResult> {
  if (source.kind === 'package') return dryRunPackage(source, options, context);
  const { layout } = context;
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-dry-run-'));
  try {
    const { files, leftOut, rule, format, variant, all } = await planFiles(source, options, work);
    return {
      status: 'would-install',
      id: formatModelId(id),
      path: layout.packageDir(id),
      source: source.pin,
      is_there: isInstalled(layout, id),
      files: files.map(({ path: name, size }) => ({ path: name, size })),
      bytes: sum(files),
      license: source.describe().license ?? licenseFile(all) ?? 'unknown',
      format,
      selection: { rule, variant, left_out: leftOut, left_out_bytes: sum(leftOut) },
    };
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}
