import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { askHubs, type HubAnswer, searchedHubs, unsearchedHubs } from '../hubs/search.ts';
import { textTable } from '../render/table.ts';
import { type AddCommand, collect, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly hub?: readonly string[];
  readonly limit: string;
}

const defaultLimit = 10;
const mostHits = 100;

export const addSearch: AddCommand = (program, run) => {
  withExample(
    program
      .command('search <words...>')
      .description('look for models: all hubs that can be searched are asked at once')
      .option('--hub <hub>', 'ask only this hub (repeatable); a registry as oci/<host>', collect)
      .option('--limit <n>', 'the most hits of each hub', String(defaultLimit)),
    'axon search sentence embeddings',
    'axon search resnet --hub hf --limit 5',
    'axon search net --hub oci/registry.example.com:5000',
  ).action((words: string[], flags: Flags) =>
    run(flags.json === true, async (context) => {
      const asked = searchedHubs(flags.hub ?? []);
      const text = words.join(' ');
      const answers = await askHubs(asked, text, readLimit(flags.limit), context);
      report(answers, text, flags.hub !== undefined, context);
    }),
  );
};

function readLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= mostHits) return limit;
  throw new AxonError(
    'USAGE',
    `--limit must be a whole number from 1 to ${mostHits}, not ${text}.`,
  );
}

/**
 * A hub that was asked for by name has to answer: else PARTIAL, with what the others found. One of all
 * hubs may be away, and those that cannot be asked are named. That none answered is always an error, the first one's.
 */
function report(
  answers: readonly HubAnswer[],
  words: string,
  isNamed: boolean,
  { output }: Context,
): void {
  const unsearched = isNamed ? [] : unsearchedHubs();
  for (const { hub, reason } of unsearched) output.note(`${hub} was not searched: ${reason}`);
  const failed = answers.flatMap(({ hub, error }) => (error === null ? [] : [{ hub, error }]));
  const [first, ...others] = failed;
  if (first !== undefined && failed.length === answers.length) {
    for (const { hub, error } of others) output.warn(unanswered(hub, error));
    throw first.error;
  }
  const hits = answers.flatMap(({ hub, hits }) => hits.map((hit) => ({ hub, ...hit })));
  const result = {
    hits,
    failed: failed.map(({ hub, error }) => ({ hub, ...error.toJson() })),
    not_searched: unsearched,
  };
  const reasons = failed.map(({ hub, error }) => unanswered(hub, error));
  const partial = isNamed && first !== undefined;
  if (!partial) for (const reason of reasons) output.warn(reason);
  // With --json stdout is one document, and that is the error's then.
  if (!(partial && output.json)) output.result(result, lines(answers, words, output));
  if (partial)
    throw new AxonError('PARTIAL', reasons.join(' '), { details: result, cause: first.error });
}

function unanswered(hub: string, { message }: AxonError): string {
  return `${hub} could not be searched: ${message}`;
}

function lines(
  answers: readonly HubAnswer[],
  words: string,
  output: Context['output'],
): readonly string[] {
  const hits = answers.flatMap((answer) => answer.hits);
  const asked = answers.filter(({ error }) => error === null).map(({ hub }) => hub);
  if (hits.length === 0)
    return [
      `Nothing found for ${JSON.stringify(words)} on ${asked.join(', ')}. Fewer or other words may find more.`,
    ];
  const rows = hits.map((hit) => [
    hit.spec,
    hit.downloads === undefined ? '' : String(hit.downloads),
    hit.license ?? '',
    short(hit.description ?? ''),
  ]);
  return [
    ...textTable(output, ['SOURCE', 'DOWNLOADS', 'LICENSE', 'ABOUT'], rows),
    `\nNext: axon install ${hits[0]?.spec}`,
  ];
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
