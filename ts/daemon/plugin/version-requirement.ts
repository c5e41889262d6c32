import { readRequirement } from '../../protocol/package-requirement.ts';
import { compareVersions } from './choose.ts';

/** Whether a version meets `>=1.2,<2`, `^1.2`, `~=1.4.2`, `1.2.0`, `*`; null where the text is none of these. */
export function meets(version: string, requirement: string): boolean | null {
  const clauses = readRequirement(requirement);
  return clauses?.every((one) => holds(version, one.operator, one.version)) ?? null;
}

function holds(version: string, operator: string, wanted: string): boolean {
  const order = compareVersions(version, wanted);
  switch (operator) {
    case '>=':
      return order >= 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '<':
      return order < 0;
    case '!=':
      return order !== 0;
    case '^':
    case '~':
    case '~=':
      return order >= 0 && startsAlike(version, wanted, fixedParts(operator, wanted));
    default:
      return order === 0;
  }
}

/** How many leading numbers may not change. */
function fixedParts(operator: string, wanted: string): number {
  const numbers = wanted.split(/[-+]/)[0]?.split('.') ?? [];
  if (operator === '~=') return Math.max(1, numbers.length - 1);
  if (operator === '~') return Math.min(2, numbers.length);
  const firstThatCounts = numbers.findIndex((part) => part !== '0');
  return firstThatCounts < 0 ? numbers.length : firstThatCounts + 1;
}

function startsAlike(version: string, wanted: string, count: number): boolean {
  const [have, want] = [version.split('.'), wanted.split('.')];
  return want.slice(0, count).every((part, index) => Number(part) === Number(have[index] ?? 0));
}
