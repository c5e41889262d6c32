import { shellWord } from '../../protocol/shell-word.ts';
import { type Asked, bringAnew, type Metadata, readMetadata } from './metadata.ts';

const switches: Readonly<Record<string, string>> = {
  all: '--all',
  allowPickle: '--allow-pickle',
  allowCode: '--allow-code',
};
const values: Readonly<Record<string, string>> = {
  include: '--include',
  exclude: '--exclude',
  format: '--format',
  variant: '--variant',
};

/**
 * The end of an error about an installed model: the command that brings it again, with what was asked for
 * when it was installed. An id alone says nothing of where a model came from.
 */
export function bringAgain(dir: string): string {
  const note = noteOf(dir);
  return note?.asked === undefined ? bringAnew : `\`${again(note, note.asked)}\` brings it again.`;
}

function again({ namespace, name, version }: Metadata, { source, choice }: Asked): string {
  const flags = Object.entries(choice).flatMap(([key, value]) => {
    const on = switches[key];
    if (on !== undefined) return value === true ? [on] : [];
    const flag = values[key];
    const words = (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string');
    return flag === undefined ? [] : words.flatMap((word) => [flag, shellWord(word)]);
  });
  const id = `${namespace}/${name}@${version}`;
  return ['axon install', shellWord(source), ...flags, '--as', shellWord(id), '--force'].join(' ');
}

/** A model that is damaged may have a note that is, too. */
function noteOf(dir: string): Metadata | null {
  try {
    return readMetadata(dir);
  } catch {
    return null;
  }
}
