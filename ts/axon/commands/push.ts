import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import { pushPackage } from '../hubs/oci/push.ts';
import { formatBytes, formatCount } from '../render/format.ts';
import { readManifestText, requireInstalled } from '../store/catalog.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

export const addPush: AddCommand = (program, run) => {
  withExample(
    program
      .command('push <id> <target>')
      .description('bring an installed model to an OCI registry; any ModelPack tool can pull it'),
    'axon push hf/org/model@latest oci/ghcr.io/org/model:v1',
    'axon install oci/ghcr.io/org/model@v1',
  ).action((text: string, target: string, flags: JsonFlag) =>
    run(flags.json === true, async (context) => {
      const { id, dir } = requireInstalled(context.layout, text);
      const place = /^oci\/(?:\/)?(.+)$/.exec(target)?.[1];
      if (place === undefined)
        throw new AxonError(
          'INVALID_SPEC',
          `${JSON.stringify(target)} is no place to push to. Write oci/<registry>/<repository>:<tag>.`,
        );
      const done = await pushPackage(dir, readManifestText(dir), place, context);
      context.output.result({ id: formatModelId(id), ...done }, [
        `${context.output.paint('green', 'Pushed')} ${formatModelId(id)} to ${done.reference}`,
        `  ${done.digest}`,
        `  ${formatCount(done.sent, 'blob')} sent (${formatBytes(done.bytes)}), ${done.already_there} already there`,
      ]);
    }),
  );
};
