import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * Loads uWebSockets.js without its entry file. That file prints warnings to the console and falls
 * back to a slow JavaScript version where no binary fits this Node; a daemon wants neither. So the
 * binary itself is looked for, in the places where the known packages keep it, and loaded.
 *
 * Only what is used is declared here: the package's own typings lag behind it.
 */
export interface UwsRequest {
  getMethod(): string;
  getCaseSensitiveMethod(): string;
  getUrl(): string;
  getQuery(): string | undefined;
  forEach(visit: (name: string, value: string) => void): void;
}

export interface UwsResponse {
  writeStatus(status: string): UwsResponse;
  writeHeader(name: string, value: string): UwsResponse;
  endWithoutBody(): UwsResponse;
  /** Chunked; false where the socket did not take all of it at once, which is kept. */
  write(part: string | Uint8Array): boolean;
  end(): UwsResponse;
  close(): UwsResponse;
  tryEnd(bodyOrRest: string | Uint8Array, totalBytes: number): [ok: boolean, done: boolean];
  onWritable(handler: (offset: number) => boolean): UwsResponse;
  onAborted(handler: () => void): UwsResponse;
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): UwsResponse;
  cork(write: () => void): UwsResponse;
}

export interface UwsApp {
  any(pattern: string, handler: (res: UwsResponse, req: UwsRequest) => void): UwsApp;
  listen(host: string, port: number, options: number, done: (token: unknown) => void): UwsApp;
  close(): UwsApp;
}

export interface Uws {
  App(): UwsApp;
  us_listen_socket_close(token: unknown): void;
  us_socket_local_port(token: unknown): number;
}

/** The library, or the reason why there is none. */
export function loadUws(): Uws | string {
  const require = createRequire(import.meta.url);
  let entry: string;
  try {
    entry = require.resolve('uWebSockets.js');
  } catch {
    return 'uWebSockets.js is not installed';
  }
  const { platform, arch, versions } = process;
  const name = `uws_${platform}_${arch}_${versions.modules}.node`;
  const folders = [dirname(entry), join(dirname(entry), '..', 'binaries')];
  const binary = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (binary === undefined) {
    return `uWebSockets.js has no binary for Node ${versions.node} on ${platform} ${arch}`;
  }
  try {
    return require(binary) as Uws;
  } catch (error) {
    return `uWebSockets.js does not load here: ${error instanceof Error ? error.message : String(error)}`;
  }
}
