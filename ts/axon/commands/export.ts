import fs from 'node:fs';
import path from 'node:path';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { neededBy } from '../install/dependencies.ts';
import { exportBundle } from '../package/export-bundle.ts';
import { openFolder, type PackageFolder } from '../package/manifest-file.ts';
import { formatBytes, formatCount } from '../render/format.ts';
import { requireInstalled } from '../store/catalog.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly output: string;
  readonly oci?: boolean;
}

export const addExport: AddCommand = (program, run) => {
  withExample(
    program
      .command('export <id...>')
      .description('write models, and what they need, as one bundle for a machine without network')
      .requiredOption('-o, --output <file>', 'where to')
      .option('--oci', 'as a folder (OCI image layout) that other tools read; else one tar of it'),
    'axon export hf/org/a@latest hf/org/b@latest -o models.tar',
    'axon export hf/org/a@latest -o ./layout --oci',
  ).action((ids: string[], flags: Flags) =>
    run(flags.json === true, async (context) => {
      const { cwd, output, signal } = context;
      const out = path.resolve(cwd, flags.output);
      if (fs.existsSync(out))
        throw new AxonError('ALREADY_EXISTS', `${out} is there already. Name another with -o.`);
      const folders = withNeeded(ids, context);
      const asFolder = flags.oci === true;
      const done = await exportBundle(folders, out, { asFolder, signal });
      output.result({ output: out, ...done }, [
        ...done.models.map(({ id, digest }) => `${id}  ${digest}`),
        `${output.paint('green', 'Exported')} ${formatCount(done.models.length, 'model')}, ${formatBytes(done.bytes)}: ${out}`,
      ]);
    }),
  );
};

/** The models named and those that they need; without them they would be of no use there. */
function withNeeded(ids: readonly string[], context: Context): PackageFolder[] {
  const found = new Map<string, PackageFolder>();
  const waiting = [...ids];
  for (let text = waiting.shift(); text !== undefined; text = waiting.shift()) {
    const { id, dir } = requireInstalled(context.layout, text);
    const name = formatModelId(id);
    const folder = openFolder(dir);
    if (found.has(name) || folder === null) continue;
    found.set(name, folder);
    waiting.push(...neededBy(name, context));
  }
  return [...found.values()];
}
