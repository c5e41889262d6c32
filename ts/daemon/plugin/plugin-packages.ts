import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MlosError } from '../../protocol/errors.ts';
import { packageName } from '../../protocol/package-requirement.ts';
import type { PluginDescriptor } from './descriptor.ts';
import { meets } from './version-requirement.ts';

/*
 * A model may need packages in the environment of the plugin that runs it. They are looked for where that
 * plugin's own program finds them: node_modules above its folder, or what its Python says is installed.
 * Of plugins that are neither nothing can be said; those find out when they load the model.
 */
export interface WantedPackage {
  readonly name: string;
  readonly version?: string;
}

type Versions = ReadonlyMap<string, string>;
const run = promisify(execFile);
const pythonMs = 20_000;

/** Throws MISSING_DEPENDENCY naming what lacks and the command that brings it; INVALID_MANIFEST for nonsense. */
export async function requirePackages(
  plugin: PluginDescriptor,
  wanted: readonly WantedPackage[],
): Promise<void> {
  if (wanted.length === 0) return;
  for (const { name } of wanted) {
    if (!packageName.test(name)) throw invalid(`${JSON.stringify(name)} is no name of a package`);
  }
  const [program = ''] = plugin.command;
  const isNode = program === process.execPath || /^node$/.test(basename(program));
  const isPython = /^python[0-9.]*$/.test(basename(program));
  if (!isNode && !isPython) return;
  const installed = isNode
    ? await nodePackages(plugin.folder, wanted)
    : await pythonPackages(program, plugin.folder, wanted);
  const missing = wanted.filter((one) => !isMet(one, installed.get(one.name)));
  if (missing.length === 0) return;
  const list = missing.map((one) => {
    const have = installed.get(one.name);
    return (
      `${one.name} ${one.version ?? ''}`.trim() + (have === undefined ? '' : ` (${have} is there)`)
    );
  });
  const command = isNode
    ? `npm install --prefix ${plugin.folder} ${missing.map(npmSpec).join(' ')}`
    : `${program} -m pip install ${missing.map(pipSpec).join(' ')}`;
  throw new MlosError(
    'MISSING_DEPENDENCY',
    `Plugin ${plugin.id} lacks what the model needs: ${list.join(', ')}. Run: ${command}`,
    { details: { plugin_id: plugin.id, missing, command } },
  );
}

function isMet({ name, version = '*' }: WantedPackage, have: string | undefined): boolean {
  const met = meets(have ?? '0', version);
  if (met === null) throw invalid(`${name}: ${JSON.stringify(version)} is no version`);
  return have !== undefined && met;
}

function invalid(why: string): MlosError {
  return new MlosError('INVALID_MANIFEST', `spec.dependencies.packages: ${why}.`);
}

const npmSpec = ({ name, version }: WantedPackage) => `'${name}@${version ?? 'latest'}'`;

function pipSpec({ name, version = '' }: WantedPackage): string {
  return /^[0-9]/.test(version) ? `'${name}==${version}'` : `'${name}${version}'`;
}

async function nodePackages(folder: string, wanted: readonly WantedPackage[]): Promise<Versions> {
  const found = new Map<string, string>();
  for (const { name } of wanted) {
    const version = await nodeVersion(folder, name);
    if (version !== null) found.set(name, version);
  }
  return found;
}

/** As Node looks: node_modules of the folder, then of each above it. */
async function nodeVersion(folder: string, name: string): Promise<string | null> {
  for (let dir = folder; ; dir = dirname(dir)) {
    const version = await versionIn(join(dir, 'node_modules', ...name.split('/'), 'package.json'));
    if (version !== null || dirname(dir) === dir) return version;
  }
}

async function versionIn(file: string): Promise<string | null> {
  try {
    const { version } = JSON.parse(await readFile(file, 'utf8')) as { version?: unknown };
    return typeof version === 'string' ? version : null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || error instanceof SyntaxError) return null;
    throw error;
  }
}

const script = `
import importlib.metadata as metadata, json, sys
found = {}
for name in json.loads(sys.argv[1]):
    try: found[name] = metadata.version(name)
    except metadata.PackageNotFoundError: pass
print(json.dumps(found))
`;

async function pythonPackages(
  program: string,
  folder: string,
  wanted: readonly WantedPackage[],
): Promise<Versions> {
  const names = JSON.stringify(wanted.map(({ name }) => name));
  try {
    const { stdout } = await run(program, ['-c', script, names], {
      cwd: folder,
      timeout: pythonMs,
    });
    return new Map(Object.entries(JSON.parse(stdout) as Record<string, string>));
  } catch (error) {
    throw new MlosError(
      'PLUGIN_UNAVAILABLE',
      `${program} does not say which packages it has: ${error instanceof Error ? error.message.slice(0, 300) : String(error)}`,
      { cause: error },
    );
  }
}
