import type { Context } from '../context.ts';
import { loadKeys } from '../package/keys.ts';
import { textTable } from '../render/table.ts';
import { withoutPasswords } from '../render/without-passwords.ts';
import { changeSetting } from '../settings/change-settings.ts';
import {
  type ConfigKey,
  configKeyNames,
  configKeys,
  isConfigKey,
  type KeyInfo,
} from '../settings/keys.ts';
import { type ConfigValue, readTyped } from '../settings/read-value.ts';
import { type Settings, unknownKey } from '../settings/settings.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

function requireKey(text: string): ConfigKey {
  if (isConfigKey(text)) return text;
  throw unknownKey(text);
}

/** Tokens are not shown: a terminal is looked over, and its text is pasted into reports. */
function shown(key: ConfigKey, settings: Settings): ConfigValue {
  const info: KeyInfo = configKeys[key];
  const value = settings.get(key);
  if (info.secret === true && value !== '') return '(set)';
  return typeof value === 'string' ? withoutPasswords(value) : value;
}

function said(key: ConfigKey, settings: Settings, { output }: Context): void {
  const value = shown(key, settings);
  output.result({ key, value, set: settings.isSet(key) }, [`${key} = ${value}`]);
}

/** These commands are there to mend config.yaml, so they work with one that is wrong, and say what is. */
function warnOfWrong(settings: Settings, { output }: Context): void {
  for (const { message } of settings.wrong.values()) output.warn(message);
}

export const addConfig: AddCommand = (program, run) => {
  const config = program.command('config').description('read and write config.yaml');
  const mend = (flags: JsonFlag, work: (context: Context) => Promise<void> | void) =>
    run(flags.json === true, work, { wrongSettings: true });
  withExample(
    config.command('list').description('all keys with their values'),
    'axon config list',
  ).action((flags: JsonFlag) =>
    mend(flags, (context) => {
      const { settings } = context;
      warnOfWrong(settings, context);
      const values = Object.fromEntries(configKeyNames.map((key) => [key, shown(key, settings)]));
      const rows = configKeyNames.map((key) => [
        key,
        String(values[key]),
        settings.isSet(key) ? '' : 'default',
        configKeys[key].about,
      ]);
      context.output.result(
        { file: settings.file, values },
        textTable(context.output, ['KEY', 'VALUE', '', 'ABOUT'], rows),
      );
    }),
  );
  withExample(
    config.command('get <key>').description('one value'),
    'axon config get mlos.endpoint',
  ).action((text: string, flags: JsonFlag) =>
    mend(flags, (context) => {
      const key = requireKey(text);
      const { settings } = context;
      warnOfWrong(settings, context);
      const value = shown(key, settings);
      context.output.result({ key, value, set: settings.isSet(key) }, [String(value)]);
    }),
  );
  withExample(
    config.command('set <key> <value>').description('write one value'),
    'axon config set mlos.endpoint http://localhost:8080',
    'axon config set register.auto true',
  ).action((text: string, value: string, flags: JsonFlag) =>
    mend(flags, async (context) => {
      const key = requireKey(text);
      if (key === 'security.trusted_keys') loadKeys(value, context.cwd);
      const given = readTyped(key, value, context.cwd);
      const settings = await changeSetting(key, given, context);
      warnOfWrong(settings, context);
      said(key, settings, context);
    }),
  );
  withExample(
    config.command('unset <key>').description('go back to the default of one key'),
    'axon config unset mlos.endpoint',
  ).action((text: string, flags: JsonFlag) =>
    mend(flags, async (context) => {
      const key = context.settings.wrong.has(text) ? text : requireKey(text);
      const settings = await changeSetting(key, null, context);
      warnOfWrong(settings, context);
      if (isConfigKey(key)) said(key, settings, context);
      else context.output.result({ key, set: false }, [`${key} is not in config.yaml any more.`]);
    }),
  );
};
