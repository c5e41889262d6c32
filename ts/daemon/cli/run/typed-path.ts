import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A quoted part, or one character behind a backslash. */
const quoting = /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs;

/**
 * The path that was typed, or dropped on a terminal: that writes it as a shell takes it, quoted or with backslashes,
 * and people write `~/`. What is a file as it stands is that file.
 */
export function typedPath(typed: string, home = homedir()): string {
  const text = typed.trim();
  if (existsSync(text)) return text;
  const path = text.replace(quoting, (_, single?: string, double?: string, escaped?: string) => {
    return single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? '';
  });
  return text.startsWith('~/') ? join(home, path.slice(2)) : path;
}
