import fs from 'node:fs';
import path from 'node:path';
import { formatModelId } from '../../protocol/model-id.ts';
import { packArchive } from '../package/archive.ts';
import { formatBytes } from '../render/format.ts';
import { readManifestText, requireInstalled } from '../store/catalog.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly output?: string;
}

export const addPack: AddCommand = (program, run) => {
  withExample(
    program
      .command('pack <id>')
      .description(
        'write an installed model as one .axon file; the same model gives the same bytes',
      )
      .option('-o, --output <file>', 'where to; default is a name made from the id'),
    'axon pack hf/org/model@latest -o model.axon',
  ).action((text: string, flags: Flags) =>
    run(flags.json === true, async ({ layout, cwd, output, signal }) => {
      const { id, dir } = requireInstalled(layout, text);
      const name = formatModelId(id);
      const usual = `${name.replaceAll('/', '_').replace('@', '-')}.axon`;
      const out = path.resolve(cwd, flags.output ?? usual);
      const draft = `${out}.${process.pid}.new`;
      const { sha256, size } = await packArchive(dir, readManifestText(dir), draft, signal);
      fs.renameSync(draft, out);
      output.result({ id: name, file: out, sha256, size }, [
        `${sha256}  ${out}`,
        `${name}: ${formatBytes(size)}`,
      ]);
    }),
  );
};
