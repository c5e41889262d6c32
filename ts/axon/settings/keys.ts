import { type EndpointHub, endpointHubs, endpointKey, endpointVariables } from './endpoints.ts';

/** Every key of config.yaml that has an effect, with its default. Nothing else decides a default. */
export interface KeyInfo {
  readonly type: 'text' | 'number' | 'boolean' | 'endpoint' | 'folder' | 'files';
  readonly default: string | number | boolean;
  readonly about: string;
  readonly secret?: true;
  readonly min?: number;
  readonly max?: number;
}

type EndpointKey = ReturnType<typeof endpointKey<EndpointHub>>;

const endpointKeys = Object.fromEntries(
  endpointHubs.map((hub): [EndpointKey, KeyInfo] => [
    endpointKey(hub),
    {
      type: 'endpoint',
      default: '',
      about: `Where the hub ${hub} is asked instead of its own address, unless ${endpointVariables[hub]} says so.`,
    },
  ]),
) as Readonly<Record<EndpointKey, KeyInfo>>;

export const configKeys = {
  cache_dir: {
    type: 'folder',
    default: '',
    about: 'Where models are kept; empty means the folder `cache` in AXON_HOME.',
  },
  'mlos.endpoint': {
    type: 'endpoint',
    default: 'http://localhost:8080',
    about: 'The daemon that `axon register` talks to.',
  },
  'register.auto': {
    type: 'boolean',
    default: false,
    about: 'true: each install tells the daemon about the model, as with --register.',
  },
  'security.trusted_keys': {
    type: 'files',
    default: '',
    about: 'Public keys (PEM files, a comma between them) whose signatures must be right.',
  },
  'registry.enable_huggingface': {
    type: 'boolean',
    default: true,
    about: 'false switches the hf hub off on this machine.',
  },
  'registry.huggingface_token': {
    type: 'text',
    default: '',
    secret: true,
    about: 'Used when HF_TOKEN is not set; sent to the Hugging Face endpoint only.',
  },
  ...endpointKeys,
  'download.max_retries': {
    type: 'number',
    default: 5,
    min: 0,
    max: 20,
    about: 'How often one request is tried again.',
  },
  'download.parallel': {
    type: 'number',
    default: 4,
    min: 1,
    max: 32,
    about: 'How many connections fetch at once: files, and parts of a large one.',
  },
  'download.retry_wait_ms': {
    type: 'number',
    default: 1000,
    min: 1,
    max: 60_000,
    about: 'Pause before the first retry; it doubles each time.',
  },
  'download.stall_seconds': {
    type: 'number',
    default: 30,
    min: 1,
    max: 3_600,
    about: 'A connection that brings no byte for so long is cut and tried again.',
  },
} as const satisfies Record<string, KeyInfo>;

export type ConfigKey = keyof typeof configKeys;
export const configKeyNames = Object.keys(configKeys) as readonly ConfigKey[];

/** Keys of earlier releases: a file that has them is read, they have no effect. */
export const formerKeys: ReadonlySet<string> = new Set([
  'home_dir',
  'registry.url',
  'registry.mirrors',
  'registry.timeout',
  'download.verify_checksums',
  'log_level',
]);

export function isConfigKey(key: string): key is ConfigKey {
  return Object.hasOwn(configKeys, key);
}
