import { AxonError } from '../axon-error.ts';
import { isCode } from '../formats/file-kinds.ts';
import type { InstallOptions } from './options.ts';

/** Of a package nothing can be left out: with programs in it, it comes when they are allowed or not at all. */
export function refuseCode(
  names: readonly string[],
  { allowCode }: Pick<InstallOptions, 'allowCode'>,
  label: string,
): void {
  const programs = names.filter(isCode);
  if (programs.length === 0 || allowCode) return;
  const more = programs.length > 5 ? ` and ${programs.length - 5} more` : '';
  throw new AxonError(
    'CODE_REFUSED',
    `There are programs in ${label}: ${programs.slice(0, 5).join(', ')}${more}. --allow-code takes them; nothing was installed.`,
    { details: { programs: programs.slice(0, 50) } },
  );
}
