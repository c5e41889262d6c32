import { lstat, realpath } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';

/**
 * A plugin is a program that the daemon will run, and on a shared host anybody may reach the HTTP
 * port. So a plugin folder is taken only where nobody but the daemon's own user or root could have
 * written it: owner and mode of the folder, of every folder above it, and of its plugin.yaml. A
 * sticky folder above (`/tmp`) is fine: there only the owner can rename or remove an entry.
 */
export async function assertTrustedPath(path: string, what: string): Promise<void> {
  const real = await realpath(path).catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new MlosError('INVALID_ARGUMENT', `${what} ${path} cannot be read (${code}).`, {
      cause: error,
    });
  });
  const uid = process.getuid?.() ?? 0;
  for (let current = real; ; current = dirname(current)) {
    const { uid: owner, mode } = await lstat(current);
    const writable = (mode & 0o022) !== 0;
    const sticky = (mode & 0o1000) !== 0;
    if ((owner !== uid && owner !== 0) || (writable && !(sticky && current !== real))) {
      throw new MlosError(
        'PERMISSION_DENIED',
        `${what} ${real} is not taken: ${current} can be changed by users other than the daemon's ` +
          '(wrong owner, or writable by group or others).',
      );
    }
    if (current === sep) return;
  }
}
