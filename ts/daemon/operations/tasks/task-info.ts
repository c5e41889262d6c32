import type { ModelInfoWire } from '../../../protocol/methods/models.ts';
import type { TaskSpec } from '../../../protocol/tasks/task.ts';
import { taskSpec } from '../../../protocol/tasks/task-table.ts';
import type { ModelRecord, ModelTask } from '../../registry/model-record.ts';
import { inferenceEndpoint } from '../inference-endpoint.ts';
import type { ServiceState } from '../service.ts';

type TaskInfo = ModelInfoWire['tasks'][number];

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Where the API listens, as a client on this host reaches it. */
function origin({ doors }: ServiceState): string {
  const { host = '127.0.0.1', port = 8080, tls = false } = doors.get('http') ?? {};
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${tls ? 'https' : 'http'}://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

function exampleBody(spec: TaskSpec, { facts }: ModelTask): string {
  const own = facts['example'];
  if (typeof own === 'object' && own !== null) return JSON.stringify(own);
  if (spec.example !== null) return JSON.stringify(spec.example);
  const more = Object.hasOwn(spec.parameters.properties, 'candidate_labels')
    ? ',"candidate_labels":["a cat","a dog"]'
    : '';
  const kind = spec.inputs[0]?.kind === 'audio' ? 'recording.wav' : 'picture.jpg';
  return `{"input":"'"$(base64 -w0 ${kind})"'"${more}}`;
}

/** A task of a model as the API shows it. */
export function taskInfo(record: ModelRecord, task: ModelTask, state: ServiceState): TaskInfo {
  const spec = taskSpec(task.name);
  const { example: _, ...facts } = task.facts;
  const body = exampleBody(spec, task);
  // A file is read by the shell, between the quotes.
  const data = body.includes('$(') ? `'${body}'` : quoted(body);
  const isFirst = record.tasks?.[0]?.name === task.name;
  const url = `${origin(state)}${inferenceEndpoint(record.id)}${isFirst ? '' : `?task=${task.name}`}`;
  const post = body.includes('$(')
    ? `printf %s ${data} | curl -s ${url} -d @-`
    : `curl -s ${url} -d ${data}`;
  return {
    name: spec.name,
    summary: spec.summary,
    inputs: spec.inputs.map(({ name, kind, required, description }, index) => {
      return { name, kind, required, takes_list: index === 0 && spec.takesLists, description };
    }),
    parameters: Object.keys(spec.parameters.properties),
    facts,
    example: `${post} -H 'content-type: application/json'`,
  };
}
