import fs from 'node:fs';
import path from 'node:path';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import { unpackArchive } from '../package/archive.ts';
import { requireInnerData } from '../package/inner-data.ts';
import { fileNameOf } from '../package/locate.ts';
import { formatCount } from '../render/format.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly directory?: string;
}

export const addUnpack: AddCommand = (program, run) => {
  withExample(
    program
      .command('unpack <file>')
      .description('unpack an .axon package into a folder, every file checked; installs nothing')
      .option('-C, --directory <dir>', 'where to; default is a name made from the id'),
    'axon unpack model.axon -C ./model',
  ).action((file: string, flags: Flags) =>
    run(flags.json === true, async ({ cwd, output, signal }) => {
      const archive = path.resolve(cwd, file);
      if (!fs.existsSync(archive)) throw new AxonError('NOT_FOUND', `There is no file ${archive}.`);
      const given = flags.directory === undefined ? null : path.resolve(cwd, flags.directory);
      if (given !== null) requireFree(given);
      // Beside the target, so that a rename brings all of it at once.
      const beside = given === null ? cwd : path.dirname(given);
      fs.mkdirSync(beside, { recursive: true });
      const draft = fs.mkdtempSync(path.join(beside, '.axon-unpack-'));
      try {
        const opened = await unpackArchive(archive, draft, signal);
        requireInnerData(draft, opened.manifest);
        const target = given ?? path.join(cwd, fileNameOf(opened));
        requireFree(target);
        fs.chmodSync(draft, 0o755);
        fs.renameSync(draft, target);
        const { metadata, spec } = opened.manifest;
        const id = formatModelId(metadata);
        const { files } = spec.format;
        output.result({ id, directory: target, files: files.length }, [
          `${output.paint('green', 'Unpacked')} ${id}: ${formatCount(files.length, 'file')} in ${target}`,
        ]);
      } finally {
        fs.rmSync(draft, { recursive: true, force: true });
      }
    }),
  );
};

/** Nothing is written into a folder that holds something. A rename takes an empty one's place. */
function requireFree(target: string): void {
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  if (stat === undefined || (stat.isDirectory() && fs.readdirSync(target).length === 0)) return;
  throw new AxonError(
    'ALREADY_EXISTS',
    `${target} is there already. Name another folder with -C, or remove it.`,
  );
}
