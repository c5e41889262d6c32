import type { LogLevelName } from '../../../protocol/log-levels.ts';
import type { RequestContext } from '../../request-context.ts';
import type { OperationCalls } from './operations.ts';
import { oipFail } from './status.ts';
import { shown } from './tensors.ts';

/** The extension `logging`: flags for each level, over one least level. */
export interface OipLogSettings {
  readonly log_file: string;
  readonly log_info: boolean;
  readonly log_warning: boolean;
  readonly log_error: boolean;
  readonly log_verbose_level: number;
  readonly log_format: string;
}

/** The daemon writes the time of a line so, and not otherwise. */
const format = 'ISO8601';

const ranks: Readonly<Record<LogLevelName, number>> = {
  silent: 0,
  fatal: 0,
  error: 1,
  warn: 2,
  info: 3,
  debug: 4,
  trace: 5,
};

function settingsOf(level: LogLevelName, file: string): OipLogSettings {
  const rank = ranks[level];
  return {
    log_file: file,
    log_info: rank >= ranks.info,
    log_warning: rank >= ranks.warn,
    log_error: rank >= ranks.error,
    log_verbose_level: Math.max(0, rank - ranks.info),
    log_format: format,
  };
}

/** The least level that has all that is wanted: whoever wants information gets warnings too. */
function levelOf(settings: OipLogSettings): LogLevelName {
  if (settings.log_verbose_level >= 2) return 'trace';
  if (settings.log_verbose_level === 1) return 'debug';
  if (settings.log_info) return 'info';
  if (settings.log_warning) return 'warn';
  return settings.log_error ? 'error' : 'silent';
}

type Changes = Readonly<Record<string, unknown>>;

function changed(now: OipLogSettings, changes: Changes): OipLogSettings {
  const next: Record<string, unknown> = { ...now };
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(now, name)) {
      oipFail(`The log setting ${shown(name)} is none of ${Object.keys(now).join(', ')}.`);
    }
    const known = now[name as keyof OipLogSettings];
    const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 0;
    if (typeof value !== typeof known || (typeof known === 'number' && !isCount)) {
      const right = typeof known === 'number' ? 'a whole number' : `a ${typeof known}`;
      oipFail(`The log setting ${name} must be ${right}, such as ${JSON.stringify(known)}.`);
    }
    if (typeof known === 'string' && value !== known) {
      oipFail(`The log setting ${name} is ${shown(known)} and cannot be changed by a client.`);
    }
    next[name] = value;
  }
  return next as unknown as OipLogSettings;
}

export class OipLogging {
  readonly #operations: OperationCalls;

  constructor(operations: OperationCalls) {
    this.#operations = operations;
  }

  async get(context: RequestContext): Promise<OipLogSettings> {
    const { level, file } = await this.#operations.call('logging.get', {}, context);
    return settingsOf(level, file);
  }

  /** What is left out stays. Errors: INVALID_ARGUMENT; then nothing is changed. */
  async update(changes: Changes, context: RequestContext): Promise<OipLogSettings> {
    const now = await this.get(context);
    const level = levelOf(changed(now, changes));
    const result = await this.#operations.call('logging.set', { level }, context);
    return settingsOf(result.level, result.file);
  }
}
