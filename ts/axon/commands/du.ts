import { formatBytes } from '../render/format.ts';
import { textTable } from '../render/table.ts';
import { diskUse } from '../store/disk-use.ts';
import { warnOfUnreadable } from '../store/unreadable.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

export const addDu: AddCommand = (program, run) => {
  withExample(
    program
      .command('du')
      .description('the disk that each model takes: alone, and shared with others'),
    'axon du',
  ).action((flags: JsonFlag) =>
    run(flags.json === true, ({ layout, output }) => {
      const { models, unused, bytes } = diskUse(layout, warnOfUnreadable(output));
      const rows = models.map(({ id, own_bytes, shared_bytes }) => [
        id,
        formatBytes(own_bytes),
        formatBytes(shared_bytes),
      ]);
      output.result({ models, unused_bytes: unused, bytes }, [
        ...(rows.length === 0 ? [] : textTable(output, ['MODEL', 'OWN', 'SHARED'], rows)),
        `${formatBytes(bytes)} in all, each shared file counted once; ${formatBytes(unused)} of it no model uses (\`axon gc\`).`,
      ]);
    }),
  );
};
