import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type DaemonOptions, DaemonProcess } from './start-daemon.ts';

/** One test's folder: daemons come and go in it, and nothing of it is left after the test. */
export class Place {
  readonly folder: string;
  readonly #daemons: DaemonProcess[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  /** A daemon that may or may not come up. */
  launch(options: DaemonOptions = {}): DaemonProcess {
    const daemon = new DaemonProcess(this.folder, options);
    this.#daemons.push(daemon);
    return daemon;
  }

  /** A daemon that serves. */
  start(options: DaemonOptions = {}): Promise<DaemonProcess> {
    return this.launch(options).ready();
  }

  /** Writes a file below the folder and returns its path. */
  async file(name: string, content: Uint8Array | string): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, content);
    return path;
  }

  async clear(): Promise<void> {
    await Promise.all(this.#daemons.map((daemon) => daemon.end('SIGKILL')));
    for (const daemon of this.#daemons) {
      for (const pid of daemon.processes()) process.kill(pid, 'SIGKILL');
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function openPlace(t: Pick<TestContext, 'after'>): Promise<Place> {
  // Short: the path of a Unix socket may have 107 bytes.
  const place = new Place(await mkdtemp(join(tmpdir(), 'mlos-e2e-')));
  t.after(() => place.clear());
  return place;
}
