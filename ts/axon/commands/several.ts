import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { formatCount } from '../render/format.ts';
import { listInstalled } from '../store/catalog.ts';
import { warnOfUnreadable } from '../store/unreadable.ts';

/**
 * The same work on several models, one after the other. One that fails does not keep the others back,
 * unless there is no daemon at all; each is reported. Some failed: PARTIAL. All of them: the first error.
 */
export async function forEachModel<T>(
  ids: readonly string[],
  verb: { readonly done: string; readonly key: string },
  context: Context,
  work: (id: string) => Promise<T>,
  lines: (done: T) => readonly string[],
): Promise<void> {
  const done: T[] = [];
  const failed: { readonly id: string; readonly error: AxonError }[] = [];
  for (const id of ids) {
    try {
      done.push(await work(id));
    } catch (thrown) {
      context.signal.throwIfAborted();
      const error = AxonError.from(thrown);
      if (error.code === 'DAEMON_UNREACHABLE' || ids.length === 1) throw error;
      failed.push({ id, error });
    }
  }
  const [first] = failed;
  const result = { [verb.key]: done };
  if (first === undefined) {
    context.output.result(result, done.flatMap(lines));
    return;
  }
  // With --json stdout is one document, and that is the error's: it names those that are done, too.
  if (!context.output.json) context.output.result(result, done.flatMap(lines));
  const reasons = failed.map(({ id, error }) => `${id}: ${error.message}`);
  throw new AxonError(
    done.length > 0 ? 'PARTIAL' : first.error.code,
    `${failed.length} of ${formatCount(ids.length, 'model')} ${failed.length === 1 ? 'was' : 'were'} not ${verb.done}. ${reasons.join(' ')}`,
    {
      details: {
        ...result,
        failed: failed.map(({ id, error }) => ({
          id,
          code: error.code,
          message: error.message,
          ...(error.details === undefined ? {} : { details: error.details }),
        })),
      },
      cause: first.error,
    },
  );
}

/** The models that a command line names, or all that are installed. */
export function namedOrAll(
  ids: readonly string[],
  all: boolean,
  { layout, output }: Context,
): readonly string[] {
  if (!all && ids.length === 0) throw new AxonError('USAGE', 'Name the models, or take --all.');
  if (!all) return [...new Set(ids)];
  if (ids.length > 0) throw new AxonError('USAGE', 'Name the models or take --all, not both.');
  const installed = listInstalled(layout, warnOfUnreadable(output)).map(({ id }) =>
    formatModelId(id),
  );
  if (installed.length > 0) return installed;
  throw new AxonError(
    'NOT_INSTALLED',
    'No models are installed. `axon install hf/<org>/<model>` brings one.',
  );
}
