import { MlosError } from '../../protocol/errors.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { ReadyModel } from '../lifecycle/model-loader.ts';
import type { ModelRecord } from '../registry/model-record.ts';
import type { RequestContext } from '../request-context.ts';

export interface LoadRooms {
  readonly lifecycle: Lifecycle;
  /** Of requests that do not say how long they wait; below 0: until the model is loaded, or is not. */
  readonly loadWaitMs: number;
}

function loading({ lifecycle }: LoadRooms, record: ModelRecord, before: string | null): MlosError {
  const ms = Math.round(lifecycle.loadingMs(record.id));
  const failed = before === null ? '' : ` Its last load failed: ${before}`;
  return new MlosError(
    'MODEL_LOADING',
    `${record.id} is being loaded, since ${ms} ms; ask again later, or wait for it (without Prefer: wait).${failed}`,
    { details: { status: 'loading', loading_ms: ms } },
  );
}

/**
 * The model ready to run, waited for as long as the request allows. What is loading goes on loading.
 * Errors: those of Lifecycle.ready, MODEL_LOADING.
 */
export function readyWithin(
  rooms: LoadRooms,
  record: ModelRecord,
  { loadWaitMs }: RequestContext,
): ReadyModel | Promise<ReadyModel> {
  const { lifecycle } = rooms;
  const { reason } = lifecycle.state(record);
  const ready = lifecycle.ready(record.id);
  const waitMs = loadWaitMs ?? rooms.loadWaitMs;
  if (!(ready instanceof Promise) || waitMs < 0) return ready;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(loading(rooms, record, reason)), waitMs);
  });
  return Promise.race([ready, late]).finally(() => clearTimeout(timer));
}
