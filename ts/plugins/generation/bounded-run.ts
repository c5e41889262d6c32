import { createContext, Script } from 'node:vm';

/*
 * Templates come with models, and are programs: one that counts to a hundred million holds everybody up. V8 can end
 * what runs within a call of `vm` at any point, whosever code it is, and that is all that `vm` is used for here.
 */
interface Work {
  run?: () => void;
}

const held: Work = {};
const context = createContext(held);
const call = new Script('run()');

/** Runs `work` on this thread. Null: it did not end in time, and was ended. What it throws is thrown. */
export function within<T>(ms: number, work: () => T): { readonly value: T } | null {
  let done: { readonly value: T } | null = null;
  held.run = () => {
    done = { value: work() };
  };
  try {
    call.runInContext(context, { timeout: ms });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return null;
    throw error;
  } finally {
    delete held.run;
  }
  return done;
}
