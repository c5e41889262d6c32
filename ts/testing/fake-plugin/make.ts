import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type FakeFlags, writeFlags } from './flags.ts';

/** The built program. */
export const fakePluginProgram = join(import.meta.dirname, 'main.js');

/** The text of a plugin.yaml that starts the fake plugin with these flags. */
export function fakePluginYaml(flags: Partial<FakeFlags> = {}): string {
  return stringify({
    apiVersion: 'mlos.io/smi/v1',
    kind: 'Plugin',
    name: 'fake',
    version: flags.version ?? '1.0.0',
    description: 'Misbehaves on demand.',
    frameworks: ['fake'],
    formats: ['fake'],
    dtypes: ['float32', 'int64', 'string'],
    command: ['node', fakePluginProgram, ...writeFlags(flags)],
  });
}

/** Makes the folder of a fake plugin; it has to lie in a directory that the test removes. */
export async function makeFakePlugin(
  folder: string,
  flags: Partial<FakeFlags> = {},
): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'plugin.yaml'), fakePluginYaml(flags));
  return folder;
}
