import { Option } from 'commander';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { formatBytes } from '../render/format.ts';
import { textTable } from '../render/table.ts';
import { type Installed, listInstalled, readManifest } from '../store/catalog.ts';
import { readMetadata } from '../store/metadata.ts';
import { strayText, warnOfUnreadable } from '../store/unreadable.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly names?: boolean;
  readonly format: 'default' | 'names' | 'json';
}

export interface Row {
  readonly id: string;
  readonly format: string;
  readonly files: number;
  readonly bytes: number;
  readonly path: string;
}

export const addList: AddCommand = (program, run) => {
  withExample(
    program
      .command('list')
      .alias('ls')
      .description('the models installed here')
      .option('--names', 'ids only, one a line')
      .addOption(
        new Option(
          '-f, --format <form>',
          'as scripts of earlier releases read it: names without versions, or their JSON',
        )
          .choices(['default', 'names', 'json'])
          .default('default'),
      ),
    'axon list',
    'axon list --names',
  ).action((flags: Flags) =>
    run(flags.json === true, (context) => {
      const former = formerForm(flags.format, context);
      if (former !== null) return context.output.text(former);
      const rows = installedRows(context);
      context.output.result(
        { models: rows },
        flags.names === true ? rows.map((row) => row.id) : tableOf(rows, context),
      );
    }),
  );
};

/** The two forms of earlier releases, to the letter; null for ours. */
function formerForm(form: Flags['format'], { layout, output }: Context): readonly string[] | null {
  if (form === 'default') return null;
  const models = warnedList(layout, output);
  if (form === 'names') return [...new Set(models.map(({ id }) => `${id.namespace}/${id.name}`))];
  const entries = models.map(({ id, dir }) => ({
    Namespace: id.namespace,
    Name: id.name,
    Version: id.version,
    Path: dir,
  }));
  return [JSON.stringify(entries, null, 2)];
}

function warnedList(layout: Context['layout'], output: Context['output']): readonly Installed[] {
  return listInstalled(layout, warnOfUnreadable(output), (dir) => output.warn(strayText(dir)));
}

export function installedRows({ layout, output }: Context): Row[] {
  return warnedList(layout, output).map(({ id, dir }) => {
    const base = { id: formatModelId(id), path: dir };
    try {
      const { format } = readManifest(dir).spec;
      const bytes = format.files.reduce((total, file) => total + file.size, 0);
      return { ...base, format: format.execution_format, files: format.files.length, bytes };
    } catch (error) {
      output.warn(`${base.id}: ${AxonError.from(error).message}${hintFor(dir)}`);
      return { ...base, format: 'unreadable', files: 0, bytes: 0 };
    }
  });
}

function hintFor(dir: string): string {
  try {
    return readMetadata(dir) === null ? ' `axon cache import` takes it over.' : '';
  } catch {
    return ''; // Damaged beyond that: what was said already is all there is to say.
  }
}

export function tableOf(rows: readonly Row[], { output }: Context): string[] {
  if (rows.length === 0)
    return ['No models are installed. `axon install hf/<org>/<model>` brings one.'];
  return textTable(
    output,
    ['MODEL', 'FORMAT', 'FILES', 'SIZE'],
    rows.map((row) => [row.id, row.format, String(row.files), formatBytes(row.bytes)]),
  );
}
