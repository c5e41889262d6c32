import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import { verifyPackage } from '../package/verify.ts';
import { formatBytes } from '../render/format.ts';
import { requireInstalled } from '../store/catalog.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

export const addVerify: AddCommand = (program, run) => {
  withExample(
    program
      .command('verify <id>')
      .description('hash every file of an installed model against its manifest'),
    'axon verify hf/org/model@latest',
  ).action((text: string, flags: JsonFlag) =>
    run(flags.json === true, async ({ layout, output, signal }) => {
      const { id, dir } = requireInstalled(layout, text);
      const name = formatModelId(id);
      const { files, bytes, ...wrong } = await verifyPackage(dir, signal);
      const problems = Object.entries(wrong).flatMap(([what, names]) =>
        names.map((file) => `${what}: ${file}`),
      );
      if (problems.length > 0)
        throw new AxonError(
          'VERIFY_FAILED',
          `${name} is not as it was installed (${problems.slice(0, 20).join('; ')}). \`axon install\` with --force brings it again.`,
          { details: { id: name, ...wrong } },
        );
      output.result({ id: name, ok: true, files, bytes }, [
        `${output.paint('green', 'Verified')} ${name}: ${files} files, ${formatBytes(bytes)}, all as recorded.`,
      ]);
    }),
  );
};
