import { requireFd, requireInteger } from './arguments.ts';
import { nativeBinding } from './binding.ts';
import { translated } from './native-error.ts';

/**
 * Decides whether a memfd that somebody else sent may be read, with pread as well as through a mapping,
 * and returns its size in bytes. The rules are those of Region.fromFd: size and content are sealed, every
 * page is there, at most `maxBytes`. The descriptor stays the caller's.
 * @throws NativeError `NOT_A_REGION`, `REGION_UNSEALED`, `REGION_SPARSE`, `REGION_EMPTY`, `REGION_TOO_LARGE`
 */
export function memfdCheck(fd: number, maxBytes: number): number {
  requireFd(fd, 'fd');
  requireInteger(maxBytes, 'maxBytes', { min: 1 });
  return translated(() => nativeBinding().memfdCheck(fd, maxBytes));
}
