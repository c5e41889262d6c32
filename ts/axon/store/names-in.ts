import fs from 'node:fs';
import { errnoOf } from '../axon-error.ts';
import { type OnUnreadable, unlessKeptBack } from './unreadable.ts';

/** None where there is no such folder. One that cannot be read is an error for those who do not ask to be told. */
export function namesIn(dir: string, onUnreadable?: OnUnreadable): readonly string[] {
  return unlessKeptBack(dir, [], onUnreadable, () => {
    try {
      return fs.readdirSync(dir);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  });
}
