import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects what nobody refers to, and lets its finalizers run. */
export async function collectGarbage(): Promise<void> {
  await delay(1);
  collect();
  await delay(1);
}
