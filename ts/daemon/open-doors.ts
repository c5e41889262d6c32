import { join } from 'node:path';
import type { Logger } from 'pino';
import { descriptorOf, isPeerGone, peerCredentials } from '../native/fd-socket.ts';
import { MlosError } from '../protocol/errors.ts';
import type { Config } from './config/config.ts';
import type { Dispatcher } from './dispatcher.ts';
import { startGrpcDoor } from './doors/grpc/server.ts';
import { MetricsSurface, type MetricsText } from './doors/http/metrics-surface.ts';
import { OipSurface } from './doors/http/oip/surface.ts';
import { RootSurface } from './doors/http/root-surface.ts';
import { startHttpDoor } from './doors/http/server.ts';
import { TextSurface } from './doors/http/text-surface.ts';
import { startIpcDoor } from './doors/ipc/server.ts';
import { OipService } from './doors/oip/service.ts';
import { noSharedMemory } from './doors/oip/shared-memory.ts';
import { SystemSharedMemory } from './doors/oip/system-shared-memory.ts';
import { ollamaApi } from './doors/ollama/ollama-api.ts';
import { openaiApi } from './doors/openai/openai-api.ts';
import { TextModels } from './doors/text/text-models.ts';
import { readTlsFiles } from './doors/tls-files.ts';
import type { InferenceTimes } from './observe/inference-times.ts';
import type { DoorFacts } from './operations/service.ts';
import { AxonPulls } from './pull/axon-pulls.ts';
import type { DoorName } from './request-context.ts';

/** What the composition root needs of an open door. */
export interface OpenDoor {
  /** Lets answers under way finish for `graceMs` (the door's own measure where it is left out). */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

interface DoorOptions {
  readonly config: Config;
  readonly dispatcher: Dispatcher;
  readonly metrics: MetricsText;
  readonly times: InferenceTimes;
  readonly logger: Logger;
  readonly dataFolder: string;
  /** Filled with what is really open: ports that were 0, the adapter that loaded. */
  readonly facts: Map<DoorName, DoorFacts>;
}

type ModeSetting = 'api.ipc.mode' | 'api.grpc.socket_mode' | 'api.http.socket_mode';

function socketMode(config: Config, setting: ModeSetting): number {
  const text = config.get(setting);
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new MlosError(
    'INVALID_ARGUMENT',
    `${setting} is ${JSON.stringify(text)}, but must be three octal digits such as 0600.`,
  );
}

/** The Unix socket and the TLS that a door may have beside its port. */
function extrasOf(config: Config, door: 'http' | 'grpc') {
  const path = config.get(`api.${door}.socket_path`);
  return {
    unix: path === '' ? null : { path, mode: socketMode(config, `api.${door}.socket_mode`) },
    tls: readTlsFiles(`api.${door}.tls`, {
      cert: config.get(`api.${door}.tls.cert`),
      key: config.get(`api.${door}.tls.key`),
      clientCa: config.get(`api.${door}.tls.client_ca`),
    }),
  };
}

/** What is told of them. */
function extraFacts({ unix, tls }: ReturnType<typeof extrasOf>) {
  return { tls: tls !== null, ...(unix === null ? {} : { path: unix.path }) };
}

function oipService(options: DoorOptions): OipService {
  const { config, dispatcher, times, logger, dataFolder } = options;
  return new OipService({
    sharedMemory: config.get('api.oip.shared_memory') ? new SystemSharedMemory() : noSharedMemory,
    defaults: {
      maxBatch: config.get('inference.max_batch'),
      maxSequences: config.get('inference.max_sequences'),
      sequenceIdleMs: config.get('inference.sequence_idle_ms'),
    },
    traceFolder: join(dataFolder, 'traces'),
    dispatcher,
    times,
    logger,
  });
}

async function openHttp(
  { config, dispatcher, metrics, logger, facts }: DoorOptions,
  { oip, pulls }: { readonly oip: OipService; readonly pulls: AxonPulls },
): Promise<OpenDoor> {
  const maxBodyBytes = config.get('api.http.max_body_bytes');
  const extras = extrasOf(config, 'http');
  const models = new TextModels(dispatcher);
  const door = await startHttpDoor({
    ...extras,
    host: config.get('api.http.host'),
    port: config.get('api.http.port'),
    adapter: config.get('api.http.adapter'),
    allowedHosts: config.get('api.http.allowed_hosts'),
    allowedOrigins: config.get('api.http.allowed_origins'),
    maxBodyBytes,
    surfaces: [
      new OipSurface({ service: oip, logger, maxBodyBytes }),
      new TextSurface(openaiApi(models), { logger, maxBodyBytes }),
      new TextSurface(ollamaApi(models, pulls), { logger, maxBodyBytes }),
      new RootSurface(),
      new MetricsSurface(metrics, logger),
    ],
    dispatcher,
    logger,
  });
  if (door.adapterReason !== null) logger.info({ reason: door.adapterReason }, 'HTTP on node:http');
  const host = config.get('api.http.host');
  const { port, adapter } = door;
  facts.set('http', { enabled: true, host, port, adapter, ...extraFacts(extras) });
  return door;
}

async function openGrpc(
  { config, dispatcher, logger, facts }: DoorOptions,
  oip: OipService,
): Promise<OpenDoor> {
  const extras = extrasOf(config, 'grpc');
  const host = config.get('api.grpc.host');
  const door = await startGrpcDoor({
    tcp: { host, port: config.get('api.grpc.port') },
    ...extras,
    maxMessageBytes: config.get('api.grpc.max_message_bytes'),
    oip,
    dispatcher,
    logger,
  });
  facts.set('grpc', { enabled: true, host, port: door.port, ...extraFacts(extras) });
  return door;
}

async function openIpc({ config, dispatcher, logger, facts }: DoorOptions): Promise<OpenDoor> {
  const socketPath = config.get('api.ipc.socket_path');
  const door = await startIpcDoor({
    socketPath,
    mode: socketMode(config, 'api.ipc.mode'),
    dispatcher,
    logger,
    peerOf: (socket) => peerCredentials(descriptorOf(socket)),
    isGone: (socket) => isPeerGone(descriptorOf(socket)),
  });
  facts.set('ipc', { enabled: true, path: socketPath });
  return door;
}

/** Opens the doors that the configuration asks for, all or none. */
export async function openDoors(options: DoorOptions): Promise<readonly OpenDoor[]> {
  const { config, facts } = options;
  const open: OpenDoor[] = [];
  facts.set('http', { enabled: false });
  facts.set('grpc', { enabled: false });
  facts.set('ipc', { enabled: false });
  try {
    const oip = oipService(options);
    open.push(oip);
    const pulls = new AxonPulls({
      enabled: config.get('pulls.enabled'),
      maxBytes: config.get('pulls.max_bytes'),
      folder: options.dataFolder,
      logger: options.logger,
    });
    open.push(pulls);
    if (config.get('api.http.enabled')) open.push(await openHttp(options, { oip, pulls }));
    if (config.get('api.grpc.enabled')) open.push(await openGrpc(options, oip));
    if (config.get('api.ipc.enabled')) open.push(await openIpc(options));
    return open;
  } catch (error) {
    await Promise.all(open.map((door) => door.close()));
    throw error;
  }
}
