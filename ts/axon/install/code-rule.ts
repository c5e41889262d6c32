import path from 'node:path';
import type { ManifestFile } from '../../protocol/manifest.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { beginsAsProgram, isCode } from '../formats/code-files.ts';
import type { Selection } from '../selection/select.ts';
import type { InstallOptions } from './options.ts';

interface Brought {
  readonly root: string;
  readonly files: readonly ManifestFile[];
  /** Paths of those without which the model cannot be run. */
  readonly needed: ReadonlySet<string>;
  readonly label: string;
}

type Allowed = Pick<InstallOptions, 'allowCode'>;

/** What of loose files turns out to be a program by its first bytes stays out, as does what is called one. */
export function leaveOutPrograms(
  { root, files, needed, label }: Brought,
  selection: Selection,
  { allowCode }: Allowed,
  { output }: Context,
): { readonly files: readonly ManifestFile[]; readonly selection: Selection } {
  const isProgram = (file: ManifestFile) => beginsAsProgram(path.join(root, file.path));
  const programs = allowCode ? [] : files.filter(isProgram);
  if (programs.length === 0) return { files, selection };
  const names = programs.map((file) => file.path);
  const wanted = names.filter((name) => needed.has(name));
  if (wanted.length > 0) throw refusal(wanted, label);
  output.note(`Programs, left out without --allow-code: ${some(names)}.`);
  const left = programs.map((file) => ({
    path: file.path,
    size: file.size,
    why: 'code by its first bytes; only with --allow-code',
  }));
  return {
    files: files.filter((file) => !programs.includes(file)),
    selection: { ...selection, leftOut: [...selection.leftOut, ...left] },
  };
}

/** Of a package nothing can be left out: with programs in it, it comes when they are allowed or not at all. */
export function refusePrograms(
  root: string,
  names: readonly string[],
  { allowCode }: Allowed,
  label: string,
): void {
  if (allowCode) return;
  const isProgram = (name: string) => isCode(name) || beginsAsProgram(path.join(root, name));
  const programs = names.filter(isProgram);
  if (programs.length > 0) throw refusal(programs, label);
}

function refusal(programs: readonly string[], label: string): AxonError {
  return new AxonError(
    'CODE_REFUSED',
    `There are programs in ${label}: ${some(programs)}. --allow-code takes them; nothing was installed.`,
    { details: { programs: programs.slice(0, 50) } },
  );
}

function some(names: readonly string[]): string {
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
}
