import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../house/tree.ts';
import { orSkip } from './skip.ts';

/**
 * The Python that runs `python/`: `$PYTHON`, else python3, where it has numpy. Else a virtual
 * environment in `.cache/python`, with numpy from whatever registry pip is set up for.
 */
const environment = join(root, '.cache/python');
const installTimeoutMs = 300_000;

function works(program: string, code: string): boolean {
  const timeout = 60_000;
  return spawnSync(program, ['-c', code], { stdio: 'ignore', timeout }).status === 0;
}

/** Makes the environment; what went wrong, or null. */
function install(base: string): string | null {
  const inside = join(environment, 'bin/python');
  const steps: readonly (readonly [string, readonly string[]])[] = [
    [base, ['-m', 'venv', '--clear', environment]],
    [inside, ['-m', 'pip', 'install', '--quiet', 'numpy']],
  ];
  for (const [program, args] of steps) {
    const options = { encoding: 'utf8', timeout: installTimeoutMs } as const;
    const { status, stdout, stderr } = spawnSync(program, args, options);
    const last = `${stdout ?? ''}\n${stderr ?? ''}`.trim().split('\n').at(-1);
    if (status !== 0) return `${args.slice(0, 3).join(' ')} failed: ${last}`;
  }
  return null;
}

/** A Python with numpy, or the reason to skip. Throws the reason where nothing may be skipped. */
export function findPython(): { readonly program: string; readonly skip: string | false } {
  const base = process.env['PYTHON'] ?? 'python3';
  const inside = join(environment, 'bin/python');
  for (const program of [base, inside]) {
    if (works(program, 'import numpy')) return { program, skip: false };
  }
  if (!works(base, 'import sys; assert sys.version_info >= (3, 9)')) {
    return { program: base, skip: orSkip(`${base} is no Python 3.9 or later`) };
  }
  const failed = install(base);
  if (failed === null) return { program: inside, skip: false };
  return { program: base, skip: orSkip(`there is no numpy, and ${failed}`) };
}
