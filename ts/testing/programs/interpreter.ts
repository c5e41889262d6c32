import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../house/tree.ts';
import { orSkip } from './skip.ts';

/**
 * A Python that has what a program needs: `$PYTHON`, else python3. Else a virtual environment below
 * `.cache/`, one for each set of packages, from whatever registry pip is set up for.
 */
const installTimeoutMs = 300_000;

/** Packages by the name that they are imported under. */
type Packages = Readonly<Record<string, string>>;

function works(program: string, code: string): boolean {
  const timeout = 60_000;
  return spawnSync(program, ['-c', code], { stdio: 'ignore', timeout }).status === 0;
}

/** Makes the environment; what went wrong, or null. */
function install(base: string, environment: string, packages: readonly string[]): string | null {
  const inside = join(environment, 'bin/python');
  const steps: readonly (readonly [string, readonly string[]])[] = [
    [base, ['-m', 'venv', '--clear', environment]],
    [inside, ['-m', 'pip', 'install', '--quiet', ...packages]],
  ];
  for (const [program, args] of steps) {
    const options = { encoding: 'utf8', timeout: installTimeoutMs } as const;
    const { status, stdout, stderr } = spawnSync(program, args, options);
    const last = `${stdout ?? ''}\n${stderr ?? ''}`.trim().split('\n').at(-1);
    if (status !== 0) return `${args.slice(0, 3).join(' ')} failed: ${last}`;
  }
  return null;
}

/** Such a Python, or the reason to skip. Throws the reason where nothing may be skipped. */
export function findPython(packages: Packages = { numpy: 'numpy' }): {
  readonly program: string;
  readonly skip: string | false;
} {
  const base = process.env['PYTHON'] ?? 'python3';
  const names = Object.values(packages);
  const environment = join(
    root,
    '.cache',
    ['python', ...names].join('-').replaceAll(/[^\w.-]/g, ''),
  );
  const inside = join(environment, 'bin/python');
  for (const program of [base, inside]) {
    if (works(program, `import ${Object.keys(packages).join(', ')}`))
      return { program, skip: false };
  }
  if (!works(base, 'import sys; assert sys.version_info >= (3, 9)')) {
    return { program: base, skip: orSkip(`${base} is no Python 3.9 or later`) };
  }
  const failed = install(base, environment, names);
  if (failed === null) return { program: inside, skip: false };
  return { program: base, skip: orSkip(`there is no ${names.join(', ')}, and ${failed}`) };
}
