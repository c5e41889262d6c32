import type { JsonSchema } from '../../../protocol/json-schema.ts';
import type { ModelInfoWire } from '../../../protocol/methods/model-info.ts';
import { quoted } from '../../../protocol/shell-word.ts';
import { taskSpec } from '../../../protocol/tasks/task-table.ts';
import type { ModelRecord, ModelTask } from '../../registry/model-record.ts';
import { origin, postJson } from '../example-command.ts';
import { inferenceEndpoint } from '../inference-endpoint.ts';
import type { ServiceState } from '../service.ts';

type TaskInfo = ModelInfoWire['tasks'][number];

/** A command that works when it is pasted: the client's own, where there is no HTTP for curl. */
function exampleOf(record: ModelRecord, task: ModelTask, state: ServiceState): string {
  if (state.doors.get('http')?.enabled === true) return curlOf(record, task, state);
  const [first] = taskSpec(task.name).inputs;
  const named = Object.entries(bodyOf(task) ?? {}).map(([name, value]) => {
    const own = name === 'input' ? (first?.name ?? name) : name;
    return `--param ${quoted(`${own}=${typeof value === 'string' ? value : JSON.stringify(value)}`)}`;
  });
  const run = ['mlos run', record.id, '--task', task.name, ...named].join(' ');
  return named.length > 0 ? run : `${recording} | ${run}`;
}

/**
 * A second of a recording as the shell writes it: the head of a WAV file of unknown length (16 bits, 16,000 samples a
 * second), then as many bytes.
 */
const recording =
  "printf 'RIFF\\377\\377\\377\\377WAVEfmt \\20\\0\\0\\0\\1\\0\\1\\0\\200>\\0\\0\\0}\\0\\0\\2\\0\\20\\0data\\377\\377\\377\\377%032000d' 0";

const chatExample = { messages: [{ role: 'user', content: 'Hello, MLOS!' }], max_tokens: 50 };

/** A request as JSON; null where it is a recording. */
function bodyOf(task: ModelTask): object | null {
  if (task.facts['chat'] === true) return chatExample;
  const own = task.facts['example'];
  return typeof own === 'object' && own !== null ? own : taskSpec(task.name).example;
}

function curlOf(record: ModelRecord, task: ModelTask, state: ServiceState): string {
  const isFirst = record.tasks?.[0]?.name === task.name;
  const url = `${origin(state)}${inferenceEndpoint(record.id)}`;
  // A question mark is the shell's, too.
  const target = isFirst ? url : quoted(`${url}?task=${task.name}`);
  const body = bodyOf(task);
  if (body !== null) return postJson(target, body);
  return `${recording} | curl -s ${target} -H 'content-type: audio/wav' --data-binary @-`;
}

function typeOf({ type, anyOf = [] }: JsonSchema): string {
  return type ?? [...new Set(anyOf.map(typeOf))].join(' or ');
}

/** A task of a model as the API shows it. */
export function taskInfo(record: ModelRecord, task: ModelTask, state: ServiceState): TaskInfo {
  const spec = taskSpec(task.name);
  const { example: _, refuses = [], ...facts } = task.facts;
  const isTaken = (name: string) => !(refuses as readonly string[]).includes(name);
  const inputs = spec.inputs.filter(({ kind }) => kind !== 'messages' || facts['chat'] !== false);
  return {
    name: spec.name,
    summary: spec.summary,
    inputs: inputs.map(({ name, kind, required, description }, index) => {
      return { name, kind, required, takes_list: index === 0 && spec.takesLists, description };
    }),
    parameters: Object.keys(spec.parameters.properties).filter(isTaken),
    outputs: Object.entries(spec.result.properties ?? {}).map(([name, schema]) => ({
      ...{ name, type: typeOf(schema) },
      required: spec.result.required?.includes(name) ?? false,
    })),
    facts,
    example: exampleOf(record, task, state),
  };
}
