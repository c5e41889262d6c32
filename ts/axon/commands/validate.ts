import fs from 'node:fs';
import path from 'node:path';
import { limits } from '../../protocol/limits.ts';
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { parseSignature } from '../../protocol/signature.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { headOf } from '../formats/sniff.ts';
import { findPickles } from '../formats/torch/pickle-facts.ts';
import { checkContents, requireOwn } from '../package/check-contents.ts';
import { requireInnerData } from '../package/inner-data.ts';
import { locatePackage } from '../package/locate.ts';
import { manifestFaults } from '../package/manifest-faults.ts';
import { requireTruePickles } from '../package/stated-pickles.ts';
import { requireTrueSchema } from '../package/stated-schema.ts';
import { requireVerified, verifyFiles } from '../package/verify.ts';
import { formatBytes, formatCount } from '../render/format.ts';
import { readText } from '../store/read-text.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

export const addValidate: AddCommand = (program, run) => {
  withExample(
    program
      .command('validate <package>')
      .description('check a manifest against its schema, and all files of a package against it'),
    'axon validate model.axon',
    'axon validate ./folder',
    'axon validate ./manifest.yaml',
  ).action((text: string, flags: JsonFlag) =>
    run(flags.json === true, async (context) => {
      const { kind, manifest } = await check(text, context);
      const faults = manifestFaults(manifest);
      if (faults.length > 0)
        throw new AxonError('INVALID_PACKAGE', `${text}: ${faults.join('; ')}.`, {
          details: { faults },
        });
      const id = formatModelId(manifest.metadata);
      const { files } = manifest.spec.format;
      const bytes = files.reduce((sum, file) => sum + file.size, 0);
      context.output.result({ ok: true, kind, id, files: files.length, bytes }, [
        kind === 'manifest'
          ? `${context.output.paint('green', 'Valid')} manifest of ${id}: ${formatCount(files.length, 'file')}, not looked at.`
          : `${context.output.paint('green', 'Valid')} package ${id}: ${formatCount(files.length, 'file')}, ${formatBytes(bytes)}, each as the manifest says.`,
      ]);
    }),
  );
};

async function check(
  text: string,
  context: Context,
): Promise<{ kind: 'manifest' | 'archive' | 'folder'; manifest: Manifest }> {
  const file = path.resolve(context.cwd, text);
  if (/\.(ya?ml|json)$/.test(text) && fs.statSync(file, { throwIfNoEntry: false })?.isFile())
    return {
      kind: 'manifest',
      manifest: parseManifest(readText(file, limits.manifestBytes), text),
    };
  const found = locatePackage(text, context);
  if (found.kind === 'archive') {
    const { manifest, signature } = await checkContents(found.file, context.signal);
    if (signature !== null) parseSignature(signature, `The signature of ${text}`);
    return { kind: 'archive', manifest };
  }
  const { dir, manifest, signature } = found.folder;
  if (signature !== null) parseSignature(signature, `The signature of ${text}`);
  const verified = await verifyFiles(dir, manifest, context.signal);
  requireVerified(dir, verified, 'Correct the files or the manifest.');
  for (const { path: name } of manifest.spec.format.files)
    requireOwn(headOf(path.join(dir, name)), name);
  requireInnerData(dir, manifest);
  const names = manifest.spec.format.files.map((one) => one.path);
  requireTruePickles(manifest, findPickles(dir, names));
  requireTrueSchema(dir, manifest);
  return { kind: 'folder', manifest };
}
