import type { ModelInfoWire } from '../../../protocol/methods/models.ts';
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

function curlOf(record: ModelRecord, task: ModelTask, state: ServiceState): string {
  const spec = taskSpec(task.name);
  const isFirst = record.tasks?.[0]?.name === task.name;
  const url = `${origin(state)}${inferenceEndpoint(record.id)}`;
  // A question mark is the shell's, too.
  const target = isFirst ? url : quoted(`${url}?task=${task.name}`);
  const own = task.facts['example'];
  const body = typeof own === 'object' && own !== null ? own : spec.example;
  if (body !== null) {
    const type = quoted('content-type: application/json');
    return `curl -s ${target} -H ${type} -d ${quoted(JSON.stringify(body))}`;
  }
  const file = spec.inputs[0]?.kind === 'audio' ? 'recording.wav' : 'picture.jpg';
  const needsLabels = Object.hasOwn(spec.parameters.properties, 'candidate_labels');
  const labels = quoted('parameters={"candidate_labels":["a cat","a dog"]}');
  return `curl -s ${target} -F input=@${file}${needsLabels ? ` -F ${labels}` : ''}`;
}

/** A task of a model as the API shows it. */
export function taskInfo(record: ModelRecord, task: ModelTask, state: ServiceState): TaskInfo {
  const spec = taskSpec(task.name);
  const { example: _, ...facts } = task.facts;
  return {
    name: spec.name,
    summary: spec.summary,
    inputs: spec.inputs.map(({ name, kind, required, description }, index) => {
      return { name, kind, required, takes_list: index === 0 && spec.takesLists, description };
    }),
    parameters: Object.keys(spec.parameters.properties),
    facts,
    example: curlOf(record, task, state),
  };
}
