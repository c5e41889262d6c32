import { resolve } from 'node:path';
import type { ModelInfoWire } from '../../protocol/methods/model-info.ts';
import { formatSpec, type TensorSpec } from '../../protocol/tensor.ts';
import { callDaemon } from './call.ts';
import { readEngineOptions } from './engine-options.ts';
import { engineText, measureLines } from './measures.ts';
import { type CommonOptions, placeArguments } from './options.ts';
import { print, printJson } from './report.ts';
import { taskLines } from './run/task-lines.ts';
import { table } from './table.ts';

type Options = CommonOptions & { readonly json?: boolean };
/** As program.ts calls commands: positional arguments came first from commander. */
type Command = (options: Options, ...args: string[]) => Promise<number>;

export async function listModels(options: Options): Promise<number> {
  const result = await callDaemon(options, 'models.list', {});
  if (options.json === true) {
    printJson(result.models);
    return 0;
  }
  print(
    result.total === 0
      ? 'No models. Bring one with `axon install … --register`.'
      : table(
          ['MODEL', 'STATE', 'PLUGIN', 'FORMAT', 'DIGEST'],
          result.models.map((model) => [
            model.id,
            model.status,
            model.plugin_id,
            model.execution_format,
            model.digest.slice(0, 12),
          ]),
        ),
  );
  return 0;
}

function specLines(title: string, specs: readonly TensorSpec[]): string[] {
  return specs.map((spec, index) => {
    const label = index === 0 ? title : '';
    return `${label.padEnd(10)}${JSON.stringify(spec.name)}  ${formatSpec(spec)}`;
  });
}

function show(model: ModelInfoWire, options: Options): void {
  const lines = [
    `id        ${model.id}`,
    `state     ${model.status}${model.reason === null ? '' : `: ${model.reason}`}`,
    `plugin    ${model.plugin_id}`,
    `why       ${model.plugin_choice}`,
    `format    ${model.execution_format}${model.framework === null ? '' : ` (${model.framework})`}`,
    `file      ${model.path}/${model.file}`,
    `sha256    ${model.digest}`,
    `isolation ${model.isolation}`,
    `engine    ${engineText(model.engine)}`,
    `runner    ${model.runner ?? (model.status === 'ready' ? 'not told' : 'not loaded')}`,
    ...measureLines(model.measures),
    `since     ${model.registered_at}`,
    ...(model.expires_at === null
      ? []
      : [`goes      ${model.expires_at}, unless it is asked before`]),
    `endpoint  POST ${model.inference_endpoint}`,
  ];
  if (model.signature === null) lines.push('signature unknown until it is loaded once');
  else {
    lines.push(...specLines('inputs', model.signature.inputs));
    lines.push(...specLines('outputs', model.signature.outputs));
  }
  if (model.example !== null) lines.push(`try       ${model.example}`);
  for (const task of model.tasks) lines.push(...taskLines(model, task, placeArguments(options)));
  print(lines.join('\n'));
}

export function modelCommand(verb: 'show' | 'load' | 'unload' | 'unregister'): Command {
  return async (options, model = '') => {
    if (verb === 'unregister') {
      const result = await callDaemon(options, 'models.unregister', { model_id: model });
      if (options.json === true) printJson(result);
      else print(`${result.message}: ${result.model_id}`);
      return 0;
    }
    const method = verb === 'show' ? 'models.get' : (`models.${verb}` as const);
    const result = await callDaemon(options, method, { model_id: model });
    if (options.json === true) printJson(result.model);
    else show(result.model, options);
    return 0;
  };
}

export async function registerModel(
  options: Options & {
    readonly plugin?: string;
    readonly isolation?: string;
    readonly engine?: readonly string[];
    readonly load?: boolean;
  },
  model = '',
  path = '',
): Promise<number> {
  const result = await callDaemon(options, 'models.register', {
    model_id: model,
    path: resolve(path),
    ...(options.plugin === undefined ? {} : { plugin_id: options.plugin }),
    // What it may be is the daemon's to say: its answer lists the choices.
    ...(options.isolation === undefined ? {} : { isolation: options.isolation as 'plugin' }),
    ...(options.engine === undefined ? {} : { engine: readEngineOptions(options.engine) }),
    ...(options.load === false ? { load: false } : {}),
  });
  if (options.json === true) printJson(result.model);
  else show(result.model, options);
  return 0;
}
