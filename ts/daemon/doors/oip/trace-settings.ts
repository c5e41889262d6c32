import { oipFail } from './status.ts';
import { shown } from './tensors.ts';

/** The extension `trace`: what is traced, how often and where it goes. Values travel as texts. */
export interface TraceSettings {
  /** A name in the daemon's own folder of traces. */
  readonly file: string;
  readonly timestamps: boolean;
  readonly tensors: boolean;
  /** Every how many requests one is traced. */
  readonly rate: number;
  /** How many more are traced; null: without end. */
  readonly count: number | null;
  /** After how many traces a new file begins; 0: never. */
  readonly logFrequency: number;
}

export const traceDefaults: TraceSettings = {
  file: 'trace.json',
  timestamps: false,
  tensors: false,
  rate: 1000,
  count: null,
  logFrequency: 0,
};

export type TraceSettingsWire = Readonly<Record<string, string | readonly string[]>>;

export function traceSettingsWire(settings: TraceSettings): TraceSettingsWire {
  const levels = [
    ...(settings.timestamps ? ['TIMESTAMPS'] : []),
    ...(settings.tensors ? ['TENSORS'] : []),
  ];
  return {
    trace_file: settings.file,
    trace_level: levels.length === 0 ? ['OFF'] : levels,
    trace_rate: String(settings.rate),
    trace_count: settings.count === null ? '-1' : String(settings.count),
    log_frequency: String(settings.logFrequency),
    trace_mode: 'triton',
  };
}

/** Values that a client gives; null or an empty list: as the level above has it. */
export type TraceChanges = Readonly<Record<string, unknown>>;

/** A file of a folder, never a way out of it. */
const fileName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

function whole(name: string, text: string, min: number): number {
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min) return value;
  oipFail(`The trace setting ${name} must be a whole number, ${min} or more, not ${shown(text)}.`);
}

function textsOf(name: string, value: unknown): readonly string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.map((one) => {
    if (typeof one === 'string' || typeof one === 'number') return String(one);
    return oipFail(`The trace setting ${name} must be a text or a list of texts.`);
  });
}

function levels(texts: readonly string[]): Pick<TraceSettings, 'timestamps' | 'tensors'> {
  const unknown = texts.find((text) => !['OFF', 'TIMESTAMPS', 'TENSORS'].includes(text));
  if (unknown !== undefined) {
    oipFail(`The trace level ${shown(unknown)} is none of OFF, TIMESTAMPS, TENSORS.`);
  }
  const isOff = texts.includes('OFF');
  return {
    timestamps: !isOff && texts.includes('TIMESTAMPS'),
    tensors: !isOff && texts.includes('TENSORS'),
  };
}

function changeOf(name: string, texts: readonly string[]): Partial<TraceSettings> {
  const [text = ''] = texts;
  if (name === 'trace_level') return levels(texts);
  if (texts.length !== 1) oipFail(`The trace setting ${name} must be one value.`);
  switch (name) {
    case 'trace_file':
      if (fileName.test(text)) return { file: text };
      return oipFail(
        `trace_file must be the plain name of a file, such as "trace.json": it lies in the daemon's own folder, not where a client says.`,
      );
    case 'trace_rate':
      return { rate: whole(name, text, 1) };
    case 'trace_count': {
      const count = whole(name, text, -1);
      return { count: count < 0 ? null : count };
    }
    case 'log_frequency':
      return { logFrequency: whole(name, text, 0) };
    case 'trace_mode':
      if (text === 'triton') return {};
      return oipFail('trace_mode is "triton": files in the form that its tools read.');
    default:
      return oipFail(`The trace setting ${shown(name)} is not known.`);
  }
}

const fieldsOf: Readonly<Record<string, readonly (keyof TraceSettings)[]>> = {
  trace_file: ['file'],
  trace_level: ['timestamps', 'tensors'],
  trace_rate: ['rate'],
  trace_count: ['count'],
  log_frequency: ['logFrequency'],
  trace_mode: [],
};

/** Settings of one level after a change. Errors: INVALID_ARGUMENT. */
export function changedTrace(
  own: Partial<TraceSettings>,
  changes: TraceChanges,
): Partial<TraceSettings> {
  let next: Partial<TraceSettings> = { ...own };
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(fieldsOf, name)) changeOf(name, []);
    if (value === null || (Array.isArray(value) && value.length === 0)) {
      const cleared = new Set<string>(fieldsOf[name]);
      next = Object.fromEntries(Object.entries(next).filter(([field]) => !cleared.has(field)));
    } else {
      next = { ...next, ...changeOf(name, textsOf(name, value)) };
    }
  }
  return next;
}
