import path from 'node:path';
import type { Manifest } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { requireSigned } from '../../protocol/signature.ts';
import type { Context } from '../context.ts';
import { checkArchive } from '../package/archive.ts';
import { loadPublicKey } from '../package/keys.ts';
import { type Located, locatePackage } from '../package/locate.ts';
import { trustOf } from '../package/trust.ts';
import { requireVerified, verifyFiles, verifyPackage } from '../package/verify.ts';
import { formatBytes, formatCount } from '../render/format.ts';
import { bringAgain } from '../store/bring-again.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly key?: string;
}

export const addVerify: AddCommand = (program, run) => {
  withExample(
    program
      .command('verify <package>')
      .description('hash every file of a model against its manifest, and check who signed it')
      .option('--key <file>', 'the public key that must have signed it'),
    'axon verify hf/org/model@latest',
    'axon verify model.axon --key release.pub.pem',
  ).action((text: string, flags: Flags) =>
    run(flags.json === true, async (context) => {
      const { output } = context;
      const { manifest, ...signed } = await whole(locatePackage(text, context), context);
      const name = formatModelId(manifest.metadata);
      const key = signedBy(name, signed, flags.key, context);
      const { files } = manifest.spec.format;
      const bytes = files.reduce((sum, file) => sum + file.size, 0);
      const by = key === null ? '' : ` Signed by ${key}.`;
      output.result({ id: name, ok: true, files: files.length, bytes, signed_by: key }, [
        `${output.paint('green', 'Verified')} ${name}: ${formatCount(files.length, 'file')}, ${formatBytes(bytes)}, all as recorded.${by}`,
      ]);
    }),
  );
};

interface Whole {
  readonly manifest: Manifest;
  readonly text: string;
  readonly signature: string | null;
}

/** The package, after every byte of it was found to be right. */
async function whole(found: Located, { signal }: Context): Promise<Whole> {
  if (found.kind === 'archive') return checkArchive(found.file, signal);
  const { folder, isInstalled } = found;
  const verified = isInstalled
    ? await verifyPackage(folder.dir, signal)
    : await verifyFiles(folder.dir, folder.manifest, signal);
  const name = isInstalled ? formatModelId(folder.manifest.metadata) : folder.dir;
  requireVerified(
    name,
    verified,
    isInstalled ? bringAgain(folder.dir) : 'Correct the files or the manifest.',
  );
  return folder;
}

function signedBy(
  name: string,
  { text, signature }: Pick<Whole, 'text' | 'signature'>,
  keyFile: string | undefined,
  context: Context,
): string | null {
  if (keyFile === undefined) return trustOf(name, text, signature, context);
  const key = loadPublicKey(path.resolve(context.cwd, keyFile));
  return requireSigned(text, signature, [key], name).id;
}
