import { MlosError } from '../../protocol/errors.ts';
import { callDaemon } from './call.ts';
import type { CommonOptions } from './options.ts';
import { print, printJson } from './report.ts';
import { bytes, duration, table } from './table.ts';

type Options = CommonOptions & { readonly json?: boolean };

export async function listChannels(options: Options): Promise<number> {
  const { channels, total } = await callDaemon(options, 'channels.list', {});
  if (options.json === true) {
    printJson(channels);
    return 0;
  }
  print(
    total === 0
      ? 'No app is attached.'
      : table(
          ['CHANNEL', 'MODEL', 'PID', 'UID', 'INPUTS', 'OUTPUTS', 'FOR', 'STATE'],
          channels.map((channel) => [
            String(channel.channel_id),
            channel.model_id,
            String(channel.pid ?? '–'),
            String(channel.uid),
            bytes(channel.input_bytes),
            bytes(channel.output_bytes),
            duration((Date.now() - Date.parse(channel.since)) / 1000),
            channel.active ? 'active' : 'opening',
          ]),
        ),
  );
  return 0;
}

export async function revokeChannel(options: Options, text = ''): Promise<number> {
  if (!/^[1-9]\d{0,15}$/.test(text)) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(text)} is no channel; \`mlos channels\` lists their numbers.`,
    );
  }
  const result = await callDaemon(options, 'channels.revoke', { channel_id: Number(text) });
  if (options.json === true) printJson(result);
  else print(`Channel ${result.channel_id} is revoked.`);
  return 0;
}
