import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseManifest } from '../../protocol/manifest.ts';
import { formatModelId, type ModelId } from '../../protocol/model-id.ts';
import type { Context } from '../context.ts';
import type { Source } from '../hubs/hub.ts';
import { licenseFile } from '../hubs/license-file.ts';
import { isInstalled } from '../store/catalog.ts';
import { broughtFrom } from './brought.ts';
import { planFiles } from './gather.ts';
import { type InstallOptions, type InstallResult, sum } from './options.ts';
import { idOf, renamed, resultOf } from './result.ts';

/** Says what would come. A source that lists its files only inside an archive has to fetch that. */
export async function dryRun(
  source: Source,
  id: ModelId,
  options: InstallOptions,
  { layout }: Context,
): Promise<InstallResult> {
  const { pin } = source;
  const base = {
    status: 'would-install',
    id: formatModelId(id),
    path: layout.packageDir(id),
    source: pin,
    is_there: isInstalled(layout, id),
  } as const;
  if (source.kind === 'package') {
    const text = (await source.manifest?.()) ?? null;
    if (text === null) return { ...base, files: [], bytes: 0 };
    const manifest = renamed(parseManifest(text), options.as);
    const there = resultOf(
      'would-install',
      manifest,
      layout.packageDir(idOf(manifest)),
      broughtFrom(source),
    );
    return { ...there, source: pin };
  }
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-dry-run-'));
  try {
    const { files, leftOut, rule, format, variant, all } = await planFiles(source, options, work);
    return {
      ...base,
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
