import { join } from 'node:path';
import { MlosError } from '../../../protocol/errors.ts';
import type { RequestContext } from '../../request-context.ts';
import { type Fields, flagOf } from '../text/fields.ts';
import type { ApiReply } from '../text/text-api.ts';
import type { TextModels } from '../text/text-models.ts';
import { modelOf, type NamedModel } from './names.ts';
import { PullNews } from './pull-news.ts';
import { pullSource } from './pull-source.ts';
import type { Pull, Pulled, PulledFile, Puller } from './puller.ts';

interface Under {
  readonly pull: Pull;
  readonly news: PullNews;
}

async function isHere(models: TextModels, id: string, context: RequestContext): Promise<boolean> {
  try {
    await models.get(id, context);
    return true;
  } catch (thrown) {
    const error = MlosError.from(thrown);
    if (error.code === 'MODEL_NOT_FOUND' || error.code === 'INVALID_MODEL_ID') return false;
    throw error;
  }
}

function lineOf({ name, digest, size, bytes }: PulledFile): Fields {
  const key = digest ?? name;
  // Clients draw a bar for each digest; a file whose source states none is told by its name.
  return {
    ...{ status: `pulling ${digest === null ? name : digest.slice(7, 19)}`, digest: key },
    ...(size === null ? {} : { total: size }),
    completed: bytes,
  };
}

async function register(models: TextModels, { id, path }: Pulled, context: RequestContext) {
  const params = { model_id: id, path, manifest_path: join(path, 'manifest.yaml'), load: false };
  try {
    await models.call('models.register', params, context);
  } catch (thrown) {
    const { code, message, details } = MlosError.from(thrown);
    const told = `${id} was brought here, but is not registered: ${message}`;
    throw new MlosError(code, told, { cause: thrown, ...(details ? { details } : {}) });
  }
}

/** Null: it is here already. */
async function begin(
  models: TextModels,
  puller: Puller,
  model: NamedModel,
  context: RequestContext,
): Promise<Under | null> {
  if (await isHere(models, model.id, context)) return null;
  const news = new PullNews();
  const pull = puller.start(pullSource(model), (file) => news.put(file));
  if (context.aborted) pull.stop();
  else context.addEventListener('abort', () => pull.stop());
  pull.done.then(
    () => news.end(),
    () => news.end(),
  );
  return { pull, news };
}

/** POST /api/pull: axon brings the model, and it is registered. Who leaves ends it. */
export function pull(
  models: TextModels,
  puller: Puller,
  body: Fields,
  context: RequestContext,
): ApiReply {
  const streams = flagOf(body, 'stream') !== false;
  const beginning = begin(models, puller, modelOf(body), context);
  if (!streams) {
    return {
      async whole() {
        const under = await beginning;
        if (under !== null) await register(models, await under.pull.done, context);
        return { status: 'success' };
      },
    };
  }
  async function* lines(): AsyncGenerator<Fields, void, void> {
    const under = await beginning;
    if (under !== null) yield* told(under);
    yield { status: 'success' };
  }
  async function* told({ pull: running, news }: Under): AsyncGenerator<Fields, void, void> {
    try {
      yield { status: 'pulling manifest' };
      // While nothing comes the last line comes again, so that nobody takes the connection for dead.
      for await (const file of news.files()) {
        yield file === null ? { status: 'pulling manifest' } : lineOf(file);
      }
      const pulled = await running.done;
      yield { status: 'verifying sha256 digest' };
      await register(models, pulled, context);
      yield { status: 'writing manifest' };
    } finally {
      running.stop();
    }
  }
  return { begun: beginning.then(() => undefined), events: lines };
}
