import assert from 'node:assert/strict';
import fs from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import type { Argument, Command, Option } from 'commander';
import { argumentKinds } from '../../axon/commands/arguments.ts';
import { hubs } from '../../axon/hubs/registry.ts';
import { wholeProgram } from '../../axon/program.ts';
import { endpointHubs, endpointVariables } from '../../axon/settings/endpoints.ts';
import { hubAliases, hubNamespaces } from '../../axon/store/typed-id.ts';
import { projectFiles, read } from '../house/tree.ts';
import { runHere } from './run-axon.ts';

const stream = () => new PassThrough() as unknown as NodeJS.WriteStream;

const program = await wholeProgram({
  env: {},
  cwd: '/',
  stdin: Readable.from([]),
  stdout: stream(),
  stderr: stream(),
  signal: new AbortController().signal,
});

interface Verb {
  readonly path: string;
  readonly command: Command;
}

/** The commands that do something, with the words that name them. */
function verbs(command: Command, path: string): Verb[] {
  const inner = command.commands.filter((one) => one.name() !== 'help');
  if (inner.length === 0) return [{ path, command }];
  return inner.flatMap((one) => verbs(one, `${path} ${one.name()}`));
}

const all = verbs(program, 'axon');

function usage({ path, command }: Verb): string {
  const shown = (argument: Argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  };
  return [path, ...command.registeredArguments.map(shown)].join(' ');
}

test('every command has a description, an example that names it, and a text for every flag', async () => {
  assert.ok(all.length > 20);
  for (const { path, command } of all) {
    assert.notEqual(command.description(), '', path);
    for (const option of command.options)
      assert.notEqual(option.description, '', `${path} ${option.flags}`);
    const help = await runHere(...path.split(' ').slice(1), '--help');
    assert.equal(help.status, 0, path);
    const [, examples = ''] = help.stdout.split(/\nExamples?:\n/);
    assert.ok(
      examples.split('\n').some((line) => line.startsWith('  $ ') && line.includes(path)),
      `${path} has no example:\n${help.stdout}`,
    );
    for (const flag of ['--json', '--quiet']) assert.match(help.stdout, new RegExp(flag), path);
  }
});

test('every word in angle brackets is explained, and none that is explained is gone', () => {
  const flagWord = (option: Option) => /[<[]([\w-]+)/.exec(option.flags)?.[1] ?? '';
  const places = all.flatMap(({ command }) => command.registeredArguments.map((one) => one.name()));
  const inFlags = all.flatMap(({ command }) => command.options.map(flagWord));
  assert.deepEqual(
    [...new Set(places)].filter((name) => !Object.hasOwn(argumentKinds, name)),
    [],
    'say in commands/arguments.ts what it stands for',
  );
  const used = new Set([...places, ...inFlags]);
  assert.deepEqual(
    Object.keys(argumentKinds).filter((name) => !used.has(name)),
    [],
  );
});

test('docs/axon.md has a row for every command, with its description, and no other', () => {
  const page = fs.readFileSync(new URL('../../../docs/axon.md', import.meta.url), 'utf8');
  const section = page.slice(page.indexOf('## Commands'), page.indexOf('## Sources'));
  const rows = [...section.matchAll(/^\| `(axon [^`]+)` +\| (.+?) +\|$/gm)];
  const documented = rows.map(([, command, about]) => `${command}: ${about}`);
  const expected = all.map((verb) => `${usage(verb)}: ${verb.command.description()}`);
  assert.deepEqual(documented.sort(), expected.sort());
});

test('other spellings of commands load one file, and those of hubs are ids, too', async () => {
  for (const { command } of all)
    for (const alias of command.aliases()) {
      const help = await runHere(alias, '--help');
      assert.match(help.stdout, new RegExp(`^Usage: axon ${command.name()}\\|${alias} `), alias);
    }
  const named = hubs.filter((hub) => hub.claims === undefined);
  const aliases = named.flatMap(({ names: [first = '', ...more] }) =>
    more.map((name) => [name, first]),
  );
  for (const [name = '', first] of aliases) assert.equal(hubAliases[name], first, name);
  const sources = hubs.flatMap(({ names: [first = ''] }) => (first === 'file' ? [] : [first]));
  assert.deepEqual([...hubNamespaces].sort(), sources.sort());
});

test('a hub whose address can be set is one that there is, and reads it where it is kept', () => {
  const names = hubs.flatMap((hub) => hub.names);
  assert.deepEqual(
    endpointHubs.filter((hub) => !names.includes(hub)),
    [],
  );
  const sources = projectFiles(/^ts\/axon\/hubs\/.*\.ts$/).map(read);
  const text = sources.join('\n');
  // npm's configuration reads all of npm_config_*.
  const unread = Object.values(endpointVariables).filter(
    (name) => !name.startsWith('npm_config_') && !text.includes(name),
  );
  assert.deepEqual(unread, []);
});
