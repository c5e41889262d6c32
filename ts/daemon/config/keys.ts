import { homedir } from 'node:os';
import { join } from 'node:path';
import { limits } from '../../protocol/limits.ts';
import { logLevels } from '../../protocol/log-levels.ts';
import { defaultSocketPath } from '../../protocol/socket-path.ts';

/** One setting: where it stands in mlos-core.yaml, what it may be, and what it is when nobody says. */
export interface ConfigKey<T> {
  readonly type: 'boolean' | 'integer' | 'string' | 'list' | 'choice' | 'cpus';
  readonly default: T;
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly description: string;
}

function boolean(fallback: boolean, description: string): ConfigKey<boolean> {
  return { type: 'boolean', default: fallback, description };
}

function integer(
  fallback: number,
  range: { readonly min: number; readonly max: number },
  description: string,
): ConfigKey<number> {
  return { type: 'integer', default: fallback, ...range, description };
}

function string(fallback: string, description: string): ConfigKey<string> {
  return { type: 'string', default: fallback, description };
}

function list(description: string): ConfigKey<readonly string[]> {
  return { type: 'list', default: [], description };
}

function cpus(description: string): ConfigKey<readonly number[]> {
  return { type: 'cpus', default: [], description };
}

function choice<const C extends readonly string[]>(
  choices: C,
  fallback: C[number],
  description: string,
): ConfigKey<C[number]> {
  return { type: 'choice', default: fallback, choices, description };
}

const port = { min: 0, max: 65_535 } as const;

/**
 * Every setting of the daemon. The name is the path in mlos-core.yaml; the environment variable is
 * `MLOS_` and the path in capitals (`MLOS_API_HTTP_PORT`); `--set path=value` sets any of them.
 */
export const configKeys = {
  'api.http.enabled': boolean(true, 'Open the HTTP door.'),
  'api.http.host': string('127.0.0.1', 'Address to listen on; loopback unless you say otherwise.'),
  'api.http.port': integer(8080, port, 'HTTP port; 0 takes any free one.'),
  'api.http.adapter': choice(
    ['auto', 'uwebsockets', 'node'],
    'auto',
    'HTTP server library; auto takes the first that loads.',
  ),
  'api.http.max_body_bytes': integer(
    limits.httpBodyBytes,
    { min: 1024, max: 1024 ** 3 },
    'Largest request body in bytes; beyond it the answer is 413.',
  ),
  'api.http.socket_path': string(
    '',
    'Path of a Unix socket for HTTP beside the port; empty: none.',
  ),
  'api.http.socket_mode': string('0600', 'Permissions of that socket, in octal.'),
  'api.http.tls.cert': string(
    '',
    'Certificate chain (PEM file) of the port, which then runs on node:https; empty: no TLS.',
  ),
  'api.http.tls.key': string('', 'Its private key (PEM file).'),
  'api.http.tls.client_ca': string(
    '',
    'Certificates (PEM file) that clients must be signed by; empty: none is asked for.',
  ),
  'api.http.allowed_hosts': list('Further values of the Host header that are served.'),
  'api.http.allowed_origins': list('Origins of web pages that may call; none by default.'),
  'api.grpc.enabled': boolean(true, 'Open the gRPC door.'),
  'api.grpc.host': string('127.0.0.1', 'Address to listen on; loopback unless you say otherwise.'),
  'api.grpc.port': integer(8081, port, 'gRPC port; 0 takes any free one.'),
  'api.grpc.socket_path': string(
    '',
    'Path of a Unix socket for gRPC beside the port; empty: none.',
  ),
  'api.grpc.socket_mode': string('0600', 'Permissions of that socket, in octal.'),
  'api.grpc.max_message_bytes': integer(
    limits.grpcMessageBytes,
    { min: 1024, max: 1024 ** 3 },
    'Largest message that is read, in bytes; beyond it the status is RESOURCE_EXHAUSTED.',
  ),
  'api.grpc.tls.cert': string('', 'Certificate chain (PEM file) of the port; empty: no TLS.'),
  'api.grpc.tls.key': string('', 'Its private key (PEM file).'),
  'api.grpc.tls.client_ca': string(
    '',
    'Certificates (PEM file) that clients must be signed by; empty: none is asked for.',
  ),
  'api.oip.shared_memory': boolean(
    false,
    "Let clients of the Open Inference Protocol register POSIX shared memory of the daemon's own user.",
  ),
  'api.ipc.enabled': boolean(true, 'Open the Unix socket.'),
  'api.ipc.socket_path': string(defaultSocketPath, 'Path of the Unix socket.'),
  'api.ipc.mode': string('0600', 'Permissions of the Unix socket, in octal.'),
  'core.data_dir': string(
    join(homedir(), '.mlos'),
    'Folder of the registry, the lock and plugins.',
  ),
  'core.max_models': integer(
    1024,
    { min: 1, max: limits.models },
    'Models that may be registered at once.',
  ),
  'core.max_plugins': integer(
    limits.plugins,
    { min: 1, max: limits.plugins },
    'Plugins that may be registered at once.',
  ),
  'plugins.dirs': list('Folders searched for plugins, beside <data_dir>/plugins.'),
  'plugins.isolation': choice(
    ['plugin', 'model'],
    'plugin',
    'plugin: one process per plugin. model: one process per model, so that a crash touches one model only.',
  ),
  'inference.timeout_ms': integer(
    limits.inferenceDefaultMs,
    { min: 1, max: limits.inferenceMaxMs },
    'Deadline of a request that names none.',
  ),
  'inference.load_wait_ms': integer(
    -1,
    { min: -1, max: limits.modelLoadMs },
    'How long a request waits for a model that is not loaded, unless it says so itself (Prefer: wait); -1: until it is.',
  ),
  'inference.keep_alive_ms': integer(
    -1,
    { min: -1, max: limits.keepAliveMs },
    'A model that nobody has asked for so long is unloaded, unless a request said otherwise; -1: it stays.',
  ),
  'inference.intra_op_threads': integer(
    0,
    { min: 0, max: 1024 },
    "Threads that one run may use; 0 leaves it to the runtime's own default.",
  ),
  'inference.priority': choice(
    ['realtime', 'high', 'normal', 'batch'],
    'normal',
    'Class of a model that names none: the order in which it is served, policy and nice of its threads.',
  ),
  'inference.instances': integer(
    1,
    { min: 1, max: 16 },
    'Batches of one model that may run at once.',
  ),
  'inference.batching': choice(
    ['auto', 'off', 'fixed'],
    'auto',
    'Run requests together: where the model was measured to gain from it, never, or up to max_batch.',
  ),
  'inference.max_batch': integer(
    32,
    { min: 1, max: 1024 },
    'The most requests that run together; for auto the most that is tried.',
  ),
  'inference.max_delay_us': integer(
    0,
    { min: 0, max: 1_000_000 },
    'How long a request may wait for others to run with, in microseconds.',
  ),
  'inference.max_queue': integer(
    1024,
    { min: 1, max: 65_536 },
    'Requests of one model that may wait; beyond it the answer is TOO_MANY_REQUESTS.',
  ),
  'inference.max_sequences': integer(
    1024,
    { min: 1, max: 65_536 },
    'Sequences of one model that keeps states; beyond it the answer is TOO_MANY_REQUESTS.',
  ),
  'inference.max_state_bytes': integer(
    256 * 1024 ** 2,
    { min: 1, max: 2 ** 40 },
    'Bytes of the states of all sequences of one model.',
  ),
  'inference.sequence_idle_ms': integer(
    60_000,
    { min: 1, max: 86_400_000 },
    'A sequence without requests for so long is forgotten.',
  ),
  'engine.spin_us': integer(
    200,
    { min: 0, max: 1000 },
    'The most microseconds that an idle worker looks for requests before it sleeps; a host with one core sleeps at once.',
  ),
  'cpu.reserved_cores': cpus('CPUs kept for models of the realtime class, such as 2,4-7.'),
  'memory.lock': boolean(false, 'Lock the memory of channels, where the system allows it.'),
  'memory.huge_pages': boolean(
    true,
    'Put large channels on huge pages, where the host has reserved some.',
  ),
  'security.require_signatures': boolean(
    false,
    'Register only packages that one of the trusted keys signed, under the id that it signed.',
  ),
  'security.trusted_keys': list('Public keys (PEM files) of those whose packages are trusted.'),
  'uploads.enabled': boolean(true, 'Take models that clients upload, into <data_dir>/models.'),
  'uploads.max_bytes': integer(
    1024 ** 4,
    { min: 1, max: Number.MAX_SAFE_INTEGER },
    'Largest model that may be uploaded, all of its files together.',
  ),
  'pulls.enabled': boolean(
    true,
    "Let HTTP clients have axon bring models of hubs to this host (Ollama's POST /api/pull).",
  ),
  'pulls.max_bytes': integer(
    1024 ** 4,
    { min: 1, max: Number.MAX_SAFE_INTEGER },
    'Largest model that may be pulled, all of its files together.',
  ),
  'logging.level': choice(logLevels, 'info', 'Least level that is logged.'),
  'logging.file': string('', 'Log file; empty: standard output.'),
} as const satisfies Record<string, ConfigKey<unknown>>;

export type ConfigName = keyof typeof configKeys;
export type ConfigValue<N extends ConfigName> = (typeof configKeys)[N]['default'];

export const configNames = Object.keys(configKeys) as readonly ConfigName[];

export function environmentName(name: ConfigName): string {
  return `MLOS_${name.replaceAll('.', '_').toUpperCase()}`;
}
