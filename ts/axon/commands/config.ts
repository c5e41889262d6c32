import type { Context } from '../context.ts';
import { loadKeys } from '../package/keys.ts';
import { textTable } from '../render/table.ts';
import {
  type ConfigKey,
  configKeyNames,
  configKeys,
  isConfigKey,
  type KeyInfo,
} from '../settings/keys.ts';
import { type ConfigValue, readValue, unknownKey } from '../settings/settings.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

function requireKey(text: string): ConfigKey {
  if (isConfigKey(text)) return text;
  throw unknownKey(text);
}

/** Tokens are not shown: a terminal is looked over, and its text is pasted into reports. */
function shown(key: ConfigKey, { settings }: Context): ConfigValue {
  const info: KeyInfo = configKeys[key];
  const value = settings.get(key);
  return info.secret === true && value !== '' ? '(set)' : value;
}

function said(key: ConfigKey, context: Context): void {
  const value = shown(key, context);
  context.output.result({ key, value, set: context.settings.isSet(key) }, [`${key} = ${value}`]);
}

export const addConfig: AddCommand = (program, run) => {
  const config = program.command('config').description('read and write config.yaml');
  withExample(
    config.command('list').description('all keys with their values'),
    'axon config list',
  ).action((flags: JsonFlag) =>
    run(flags.json === true, (context) => {
      const values = Object.fromEntries(configKeyNames.map((key) => [key, shown(key, context)]));
      const rows = configKeyNames.map((key) => [
        key,
        String(values[key]),
        context.settings.isSet(key) ? '' : 'default',
        configKeys[key].about,
      ]);
      context.output.result(
        { file: context.settings.file, values },
        textTable(context.output, ['KEY', 'VALUE', '', 'ABOUT'], rows),
      );
    }),
  );
  withExample(
    config.command('get <key>').description('one value'),
    'axon config get mlos.endpoint',
  ).action((text: string, flags: JsonFlag) =>
    run(flags.json === true, (context) => {
      const key = requireKey(text);
      const value = shown(key, context);
      context.output.result({ key, value, set: context.settings.isSet(key) }, [String(value)]);
    }),
  );
  withExample(
    config.command('set <key> <value>').description('write one value'),
    'axon config set mlos.endpoint http://localhost:8080',
    'axon config set register.auto true',
  ).action((text: string, value: string, flags: JsonFlag) =>
    run(flags.json === true, async (context) => {
      const key = requireKey(text);
      if (key === 'security.trusted_keys') loadKeys(value, context.cwd);
      context.settings.set(key, readValue(key, value));
      await context.settings.save();
      said(key, context);
    }),
  );
  withExample(
    config.command('unset <key>').description('go back to the default of one key'),
    'axon config unset mlos.endpoint',
  ).action((text: string, flags: JsonFlag) =>
    run(flags.json === true, async (context) => {
      const key = requireKey(text);
      context.settings.unset(key);
      await context.settings.save();
      said(key, context);
    }),
  );
};
