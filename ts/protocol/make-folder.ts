import fs from 'node:fs';
import path from 'node:path';

/**
 * mkdir with its parents, one by one from the first that exists. Node's own recursive mkdir never ends
 * where a file system answers ENOENT to mkdir itself, as /proc does.
 */
export function makeFolder(dir: string, mode = 0o777): void {
  const missing: string[] = [];
  for (
    let at = path.resolve(dir);
    !fs.existsSync(at) && at !== path.dirname(at);
    at = path.dirname(at)
  )
    missing.unshift(at);
  for (const folder of missing) {
    try {
      fs.mkdirSync(folder, { mode });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
