import { didYouMean } from '../../../protocol/nearest.ts';
import { AxonError } from '../../axon-error.ts';
import type { ExpectedHash } from '../../download/options.ts';
import { torchvisionWeights } from './torchvision-weights.ts';

/** One member of a weights enum: `ResNet50_Weights.IMAGENET1K_V2`. */
export interface Weights {
  readonly builder: string;
  readonly enumName: string;
  readonly member: string;
  readonly isDefault: boolean;
  readonly isLegacy: boolean;
  /** Below `<endpoint>/models/`. */
  readonly path: string;
  readonly file: string;
  readonly expected: ExpectedHash;
  readonly parameters: number | null;
  readonly preprocessing: string | null;
  readonly license: string | null;
}

function readRow(row: string): Weights {
  const [builder = '', enumName = '', marked = '', address = '', parameters = '', ...rest] =
    row.split(' ');
  const member = marked.replace(/[*~]+$/, '');
  const [path = '', sha256] = address.split('#');
  return {
    builder,
    enumName,
    member,
    isDefault: marked.includes('*'),
    isLegacy: marked.includes('~'),
    path,
    file: path.slice(path.lastIndexOf('/') + 1),
    expected: sha256 === undefined ? prefixOf(path) : { algorithm: 'sha256', hex: sha256 },
    parameters: parameters === '-' ? null : Number(parameters),
    preprocessing: rest.length === 0 ? null : rest.join(' '),
    // The SWAG weights state their licence; about all others torchvision states none.
    license: member.includes('SWAG') ? 'CC-BY-NC-4.0' : null,
  };
}

/** The hash that torch.hub checks: the digits in `resnet50-11ad3fa6.pth` begin the file's sha256. */
export function statedPrefix(file: string): ExpectedHash | null {
  const hex = /[-_]([0-9a-f]{8,64})\.(?:pth|pt|ckpt|bin|th)$/.exec(file)?.[1];
  if (hex === undefined) return null;
  return { algorithm: hex.length === 64 ? 'sha256' : 'sha256-prefix', hex };
}

function prefixOf(path: string): ExpectedHash {
  const stated = statedPrefix(path);
  if (stated === null) throw new Error(`the weights table states no hash for ${path}`);
  return stated;
}

export const allWeights: readonly Weights[] = torchvisionWeights.trim().split('\n').map(readRow);

export const builders: readonly string[] = [...new Set(allWeights.map((one) => one.builder))];

/** `latest` is DEFAULT, as in torchvision; `pretrained` what that flag loaded; else a member or a hash. */
export function findWeights(builder: string, asked: string): Weights {
  const members = allWeights.filter((one) => one.builder === builder);
  if (members.length === 0)
    throw new AxonError(
      'NOT_FOUND',
      `torchvision has no model ${JSON.stringify(builder)} with published weights.${didYouMean(builder, builders)}`,
    );
  const found = select(members, asked);
  if (found !== undefined) return found;
  const names = members.map((one) => one.member + (one.isDefault ? ' (latest)' : '')).join(', ');
  throw new AxonError(
    'NOT_FOUND',
    `${builder} has no weights ${JSON.stringify(asked)}.${didYouMean(
      asked,
      members.map((one) => one.member),
    )} It has: ${names}.`,
  );
}

function select(members: readonly Weights[], asked: string): Weights | undefined {
  if (asked === 'latest' || asked === 'DEFAULT') return members.find((one) => one.isDefault);
  if (asked === 'pretrained') return members.find((one) => one.isLegacy);
  if (/^[0-9a-f]{8,64}$/.test(asked))
    return members.find(({ expected: { hex } }) => hex.startsWith(asked) || asked.startsWith(hex));
  const exact = members.find((one) => one.member === asked);
  // `V1` is the member without its data set's name, else the only one that ends so.
  const short = members.find((one) => one.member.slice(one.member.indexOf('_') + 1) === asked);
  const ends = members.filter((one) => one.member.endsWith(`_${asked}`));
  return exact ?? short ?? (ends.length === 1 ? ends[0] : undefined);
}
