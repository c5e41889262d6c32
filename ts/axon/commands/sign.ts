import path from 'node:path';
import { formatModelId } from '../../protocol/model-id.ts';
import { parseSignature } from '../../protocol/signature.ts';
import { loadPrivateKey } from '../package/keys.ts';
import { locatePackage } from '../package/locate.ts';
import { signArchive, signFolder } from '../package/sign.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly key: string;
}

export const addSign: AddCommand = (program, run) => {
  withExample(
    program
      .command('sign <package>')
      .description('sign a package: its manifest, and with that the hash of every file')
      .requiredOption('--key <file>', 'the private key; `axon keygen` makes one'),
    'axon sign my/model@1 --key release.pem',
    'axon sign model.axon --key release.pem',
  ).action((text: string, flags: Flags) =>
    run(flags.json === true, async (context) => {
      const key = loadPrivateKey(path.resolve(context.cwd, flags.key));
      const found = locatePackage(text, context);
      const { manifest, signature } =
        found.kind === 'archive'
          ? await signArchive(found.file, key, context.signal)
          : await signFolder(found.folder, key, context.signal);
      const id = formatModelId(manifest.metadata);
      const { key_id } = parseSignature(signature, 'the signature');
      context.output.result({ id, key_id }, [
        `${context.output.paint('green', 'Signed')} ${id} with the key ${key_id}.`,
      ]);
    }),
  );
};
