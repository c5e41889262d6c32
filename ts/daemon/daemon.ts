import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { FileLock } from '../native/file-lock.ts';
import { limits } from '../protocol/limits.ts';
import { productVersion } from '../protocol/version.ts';
import type { Config } from './config/config.ts';
import { openDataFolder } from './data-folder.ts';
import { Dispatch } from './dispatch.ts';
import { engineSettings, modelDefaults } from './engine-config.ts';
import { ChannelBroker } from './lifecycle/channel-broker.ts';
import { HostPool } from './lifecycle/host-pool.ts';
import { KeepAlive } from './lifecycle/keep-alive.ts';
import { Lifecycle } from './lifecycle/lifecycle.ts';
import { ModelLoader } from './lifecycle/model-loader.ts';
import { Metrics } from './metrics/metrics.ts';
import { Counters } from './observe/counters.ts';
import type { Log } from './observe/log.ts';
import { type OpenDoor, openDoors } from './open-doors.ts';
import { channelOperations } from './operations/channels.ts';
import { engineStatsOperation } from './operations/engine-stats.ts';
import { inferOperation } from './operations/infer.ts';
import { labelsOperation } from './operations/labels.ts';
import { loggingOperations } from './operations/logging.ts';
import { modelOperations } from './operations/models.ts';
import type { Operations } from './operations/operation.ts';
import { pipelineOver } from './operations/pipelines.ts';
import { pluginOperations } from './operations/plugins.ts';
import { registerModelOperation } from './operations/register-model.ts';
import { type ServiceState, serviceOperations } from './operations/service.ts';
import { uploadOperations } from './operations/uploads.ts';
import { systemClock } from './plugin/clock.ts';
import { ModelRegistry } from './registry/model-registry.ts';
import { PluginCatalog } from './registry/plugin-catalog.ts';
import { RecordStore } from './registry/record-store.ts';
import { checkRoom, checkStoreFile } from './registry/store-file.ts';
import { TrustedKeys } from './security/trusted-keys.ts';
import { removeState, writeState } from './state-file.ts';

/** Folder of the plugins that come with MLOS; from `dist/daemon/` as from `ts/daemon/`. */
const builtinPlugins = fileURLToPath(new URL('../../ts/plugins', import.meta.url));

/** What was abandoned still gets its error; so long may it take to leave. */
const lastWordMs = 250;

/**
 * The composition root: builds the rooms in order, closes them in reverse. Holds no logic of its own.
 */
export class Daemon {
  readonly #logger: Logger;
  readonly #dataFolder: string;
  readonly #state: ServiceState;
  readonly #dispatch: Dispatch;
  readonly #pool: HostPool;
  readonly #store: RecordStore;
  readonly #lock: FileLock;
  readonly #doors: readonly OpenDoor[];
  #closing: Promise<void> | null = null;

  private constructor(parts: {
    readonly logger: Logger;
    readonly dataFolder: string;
    readonly state: ServiceState;
    readonly dispatch: Dispatch;
    readonly pool: HostPool;
    readonly store: RecordStore;
    readonly lock: FileLock;
    readonly doors: readonly OpenDoor[];
  }) {
    this.#logger = parts.logger;
    this.#dataFolder = parts.dataFolder;
    this.#state = parts.state;
    this.#dispatch = parts.dispatch;
    this.#pool = parts.pool;
    this.#store = parts.store;
    this.#lock = parts.lock;
    this.#doors = parts.doors;
  }

  /** Opens everything. Errors leave nothing open: FAILED_PRECONDITION (folder or port taken), … */
  static async start(config: Config, log: Log): Promise<Daemon> {
    const { logger } = log;
    const dataFolder = config.get('core.data_dir');
    /** What is open so far, to be closed in reverse where the next step fails. */
    const undo: (() => unknown)[] = [];
    try {
      const lock = openDataFolder(dataFolder);
      undo.push(() => lock.release());
      await checkRoom(dataFolder);
      await checkStoreFile(dataFolder);
      const store = RecordStore.open(dataFolder);
      undo.push(() => store.close());
      const pool = new HostPool(logger, engineSettings(config));
      undo.push(() => pool.stopAll({ drainMs: 0 }));
      const state: ServiceState = { doors: new Map(), draining: false };
      const operations = await buildOperations({ config, dataFolder, store, pool, state, log });
      const { metrics, counters } = operations;
      const dispatch = new Dispatch({ ...operations, logger });
      const doors = await openDoors({
        config,
        dispatcher: dispatch,
        metrics: () => metrics.page(),
        times: counters.inferenceTimes,
        logger,
        dataFolder,
        facts: state.doors,
      });
      undo.push(() => Promise.all(doors.map((door) => door.close({ graceMs: 0 }))));
      writeDaemonState(dataFolder, config, state);
      logger.info({ doors: Object.fromEntries(state.doors), data_dir: dataFolder }, 'ready');
      return new Daemon({ logger, dataFolder, state, dispatch, pool, store, lock, doors });
    } catch (error) {
      for (const close of undo.reverse()) await close();
      throw error;
    }
  }

  get state(): ServiceState {
    return this.#state;
  }

  /**
   * Drains and closes: no new requests, accepted ones are answered (for at most `limits.drainMs`),
   * plugins stop, the registry closes, the lock goes last. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state.draining = true;
    const { abandoned } = await this.#dispatch.drain(limits.drainMs);
    // Whoever had all of the drain and is not done gets no second one from the door or the plugin.
    const late = abandoned > 0;
    if (late) this.#logger.warn({ abandoned }, 'requests not finished in time');
    await this.#pool.stopAll(late ? { drainMs: 0 } : {});
    await Promise.all(this.#doors.map((door) => door.close(late ? { graceMs: lastWordMs } : {})));
    await this.#store.close();
    removeState(this.#dataFolder);
    this.#lock.release();
    this.#logger.info('stopped');
  }
}

async function buildOperations(parts: {
  readonly config: Config;
  readonly dataFolder: string;
  readonly store: RecordStore;
  readonly pool: HostPool;
  readonly state: ServiceState;
  readonly log: Log;
}): Promise<{ operations: Operations; counters: Counters; metrics: Metrics }> {
  const { config, store, pool, state } = parts;
  const counters = new Counters();
  const registry = new ModelRegistry(store, { maxModels: config.get('core.max_models') });
  const catalog = await PluginCatalog.open({
    store,
    builtinFolder: builtinPlugins,
    folders: [join(parts.dataFolder, 'plugins'), ...config.get('plugins.dirs')],
    maxPlugins: config.get('core.max_plugins'),
  });
  for (const broken of catalog.broken) parts.log.logger.warn(broken, 'plugin cannot be used');
  const loader = new ModelLoader({
    catalog,
    pool,
    engine: modelDefaults(config),
  });
  const lifecycle = new Lifecycle(registry, loader);
  const channels = new ChannelBroker({ registry, lifecycle, clock: systemClock });
  const keepAlive = new KeepAlive({
    ...{ lifecycle, clock: systemClock, defaultMs: config.get('inference.keep_alive_ms') },
    isHeld: (id) =>
      channels.list().some(({ modelId }) => modelId === id) ||
      pipelineOver({ registry, lifecycle }, id, false) !== undefined,
    onFault: (id, err) => parts.log.logger.error({ model_id: id, err }, 'not unloaded'),
  });
  const rooms = { registry, catalog, lifecycle, pool, counters, state, channels, keepAlive };
  const loadWaitMs = config.get('inference.load_wait_ms');
  const trusted = config.get('security.require_signatures')
    ? TrustedKeys.load(config.get('security.trusted_keys'))
    : null;
  const register = registerModelOperation({
    ...rooms,
    trusted,
    defaultIsolation: config.get('plugins.isolation'),
  });
  return {
    counters,
    metrics: new Metrics(rooms),
    operations: {
      ...serviceOperations(rooms),
      ...pluginOperations(rooms),
      ...modelOperations({ ...rooms, loadWaitMs }),
      ...channelOperations(rooms),
      ...loggingOperations(parts.log),
      'stats.engine': engineStatsOperation(rooms),
      'models.labels': labelsOperation(rooms),
      'models.register': register,
      ...uploadOperations({
        registry,
        register,
        trusted,
        dataFolder: parts.dataFolder,
        enabled: config.get('uploads.enabled'),
        maxBytes: config.get('uploads.max_bytes'),
        maxBodyBytes: config.get('api.http.max_body_bytes'),
      }),
      'models.infer': inferOperation({
        ...{ ...rooms, loadWaitMs },
        defaultTimeoutMs: config.get('inference.timeout_ms'),
      }),
    },
  };
}

function writeDaemonState(dataFolder: string, config: Config, state: ServiceState): void {
  const http = state.doors.get('http');
  const grpc = state.doors.get('grpc');
  const ipc = state.doors.get('ipc');
  writeState(dataFolder, {
    pid: process.pid,
    version: productVersion,
    started_at: new Date().toISOString(),
    http:
      http?.enabled === true ? { host: config.get('api.http.host'), port: http.port ?? 0 } : null,
    grpc:
      grpc?.enabled === true
        ? {
            host: config.get('api.grpc.host'),
            port: grpc.port ?? 0,
            tls: config.get('api.grpc.tls.cert') !== '',
            socket_path: grpc.path ?? null,
          }
        : null,
    socket_path: ipc?.enabled === true ? (ipc.path ?? null) : null,
  });
}
