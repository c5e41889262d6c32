import { formatBytes, formatCount } from '../render/format.ts';
import { collect } from '../store/collect.ts';
import { takeOver } from '../store/take-over.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly dryRun?: boolean;
}

export const addGc: AddCommand = (program, run) => {
  withExample(
    program
      .command('gc')
      .description('remove what no model uses, and downloads that stopped over a day ago')
      .option('--dry-run', 'say what would go'),
    'axon gc',
    'axon gc --dry-run',
  ).action((flags: Flags) =>
    run(flags.json === true, async ({ layout, output, signal }) => {
      const dry = flags.dryRun === true;
      if (!dry) await takeOver(layout);
      const { blobs, downloads, bytes } = await collect(layout, dry, signal, (text) =>
        output.warn(text),
      );
      output.result({ blobs, downloads, bytes, dry_run: dry }, [
        `${dry ? 'Would remove' : 'Removed'} ${formatCount(blobs, 'unused file')} and ${formatCount(downloads, 'old download')}, ${formatBytes(bytes)}.`,
      ]);
    }),
  );
};
