import fs from 'node:fs';
import path from 'node:path';
import { formatModelId } from '../../protocol/model-id.ts';
import { fitsCarriedKey } from '../../protocol/signature.ts';
import { requireInnerData } from '../package/inner-data.ts';
import { fileNameOf, locateFolder } from '../package/locate.ts';
import { packArchive } from '../package/pack-archive.ts';
import { formatBytes } from '../render/format.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly output?: string;
}

export const addPack: AddCommand = (program, run) => {
  withExample(
    program
      .command('pack <folder>')
      .description('write a model as one .axon file; the same model gives the same bytes')
      .option('-o, --output <file>', 'where to; default is a name made from the id'),
    'axon pack hf/org/model@latest -o model.axon',
    'axon pack ./folder-with-a-manifest',
  ).action((text: string, flags: Flags) =>
    run(flags.json === true, async (context) => {
      const { cwd, output, signal } = context;
      const folder = locateFolder(text, context);
      requireInnerData(folder.dir, folder.manifest);
      const name = formatModelId(folder.manifest.metadata);
      // No install would take it.
      if (folder.signature !== null) fitsCarriedKey(folder.text, folder.signature, name);
      const out = path.resolve(cwd, flags.output ?? `${fileNameOf(folder)}.axon`);
      const draft = `${out}.${process.pid}.new`;
      const { dir, text: yaml, signature } = folder;
      const { sha256, size } = await packArchive(dir, yaml, signature, draft, signal);
      fs.renameSync(draft, out);
      output.result({ id: name, file: out, sha256, size, signed: signature !== null }, [
        `${sha256}  ${out}`,
        `${name}: ${formatBytes(size)}`,
      ]);
    }),
  );
};
