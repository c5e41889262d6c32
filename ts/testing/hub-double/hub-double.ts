import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Fault, Faults, type Origin } from './faults.ts';
import { HfDouble, type HfRepo } from './hf.ts';
import { type NpmPackage, npmDouble } from './npm.ts';

export interface HubDoubleOptions {
  readonly repos?: readonly HfRepo[];
  readonly packages?: readonly NpmPackage[];
  readonly pageSize?: number;
  /** Plain files of the content network, by name. */
  readonly files?: Readonly<Record<string, Buffer>>;
}

export interface Seen {
  readonly on: Origin;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** Hubs on this machine, with lies to order. Two host names on purpose: rules between origins must bite. */
export interface HubDouble {
  readonly hf: string;
  readonly cdn: string;
  readonly npm: string;
  /** Every request in order. */
  readonly seen: Seen[];
  lie(fault: Fault): void;
  tellTheTruth(): void;
  close(): Promise<void>;
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse, url: URL) => void;

export async function startHubDouble(options: HubDoubleOptions = {}): Promise<HubDouble> {
  const { repos = [], packages = [], pageSize = 1000, files = {} } = options;
  const faults = new Faults();
  const seen: Seen[] = [];
  const servers: http.Server[] = [];
  const serve = async (on: Origin, host: string, handler: Handler): Promise<string> => {
    const server = http.createServer((request, response) => {
      const base = `http://${request.headers.host ?? host}`;
      seen.push({ on, path: request.url ?? '/', headers: { ...request.headers } });
      faults.apply(on, request, response, () =>
        handler(request, response, new URL(request.url ?? '/', base)),
      );
    });
    servers.push(server);
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    return `http://${host}:${(server.address() as AddressInfo).port}`;
  };
  let cdn = '';
  let npm = '';
  const double = new HfDouble({ repos, pageSize, cdn: () => cdn });
  const hf = await serve('hf', '127.0.0.1', (...call) => double.hub(...call));
  cdn = await serve('cdn', 'localhost', (request, response, url) => {
    const file = files[decodeURIComponent(url.pathname.slice(1))];
    if (file === undefined) {
      double.cdn(request, response, url);
      return;
    }
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': file.length,
    });
    response.end(file);
  });
  npm = await serve(
    'npm',
    '127.0.0.1',
    npmDouble(packages, () => npm),
  );
  return {
    hf,
    cdn,
    npm,
    seen,
    lie: (fault) => faults.add(fault),
    tellTheTruth: () => faults.clear(),
    async close() {
      for (const server of servers) server.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    },
  };
}
