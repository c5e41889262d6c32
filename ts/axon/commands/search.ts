import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import type { Hub, SearchHit } from '../hubs/hub.ts';
import { hubs } from '../hubs/registry.ts';
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
      .option('--hub <hub>', 'ask only this hub (repeatable)', collect)
      .option('--limit <n>', 'the most hits of each hub', String(defaultLimit)),
    'axon search sentence embeddings',
    'axon search resnet --hub hf --limit 5',
  ).action((words: string[], flags: Flags) =>
    run(flags.json === true, async (context) => {
      const asked = chosen(flags.hub ?? []);
      const answers = await askAll(asked, words.join(' '), readLimit(flags.limit), context);
      report(answers, words.join(' '), context);
    }),
  );
};

type Searchable = Hub & Required<Pick<Hub, 'search'>>;
interface Answer {
  readonly hub: string;
  readonly hits: readonly SearchHit[];
  readonly error: AxonError | null;
}

const nameOf = (hub: Hub) => hub.names[0] ?? '';

function chosen(names: readonly string[]): readonly Searchable[] {
  const able = hubs.filter((hub): hub is Searchable => hub.search !== undefined);
  if (names.length === 0) return able;
  const wrong = names.find((name) => !able.some((hub) => hub.names.includes(name)));
  if (wrong !== undefined)
    throw new AxonError(
      'USAGE',
      `The hub ${JSON.stringify(wrong)} cannot be searched. Those that can: ${able.map(nameOf).join(', ')}.`,
    );
  return able.filter((hub) => hub.names.some((name) => names.includes(name)));
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= mostHits) return limit;
  throw new AxonError(
    'USAGE',
    `--limit must be a whole number from 1 to ${mostHits}, not ${text}.`,
  );
}

/** One hub that fails does not hide what the others found. */
function askAll(
  asked: readonly Searchable[],
  words: string,
  limit: number,
  context: Context,
): Promise<Answer[]> {
  return Promise.all(
    asked.map(async (hub): Promise<Answer> => {
      try {
        const hits = await hub.search(words, limit, context);
        return { hub: nameOf(hub), hits: hits.slice(0, limit), error: null };
      } catch (thrown) {
        context.signal.throwIfAborted();
        return { hub: nameOf(hub), hits: [], error: AxonError.from(thrown) };
      }
    }),
  );
}

function report(answers: readonly Answer[], words: string, { output }: Context): void {
  const failed = answers.filter(({ error }) => error !== null);
  const [first] = failed;
  if (first?.error && failed.length === answers.length) throw first.error;
  for (const { hub, error } of failed)
    if (error !== null) output.warn(`${hub} could not be searched: ${error.message}`);
  const hits = answers.flatMap(({ hub, hits }) => hits.map((hit) => ({ hub, ...hit })));
  const rows = hits.map((hit) => [
    hit.spec,
    hit.downloads === undefined ? '' : String(hit.downloads),
    hit.license ?? '',
    short(hit.description ?? ''),
  ]);
  const asked = answers.map(({ hub }) => hub).join(', ');
  output.result(
    {
      hits,
      failed: failed.map(({ hub, error }) => ({ hub, ...error?.toJson() })),
    },
    hits.length === 0
      ? [`Nothing found for ${JSON.stringify(words)} on ${asked}.`]
      : [
          ...textTable(output, ['SOURCE', 'DOWNLOADS', 'LICENSE', 'ABOUT'], rows),
          `\nNext: axon install ${hits[0]?.spec}`,
        ],
  );
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
