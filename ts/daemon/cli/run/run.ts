import { MlosError } from '../../../protocol/errors.ts';
import type { ModelInfoWire } from '../../../protocol/methods/model-info.ts';
import { shellWord } from '../../../protocol/shell-word.ts';
import { openLine } from '../call.ts';
import type { CommonOptions } from '../options.ts';
import { printJson } from '../report.ts';
import { ask } from './ask.ts';
import { dimmed, harmless } from './harmless.ts';
import { interact } from './interactive.ts';
import {
  asConversation,
  chooseTask,
  inputsOfFiles,
  inputsOfWords,
  isFile,
  neededParameters,
  readParam,
  type Task,
  wantedInputs,
} from './request.ts';
import { readInputStream } from './run-file.ts';
import type { Screen } from './screen.ts';

type Fields = Record<string, unknown>;
type Options = CommonOptions & {
  readonly json?: boolean;
  readonly task?: string;
  readonly param?: readonly string[];
  readonly image?: string;
  readonly audio?: string;
};

/** `mlos run`: what the model's task says, of words, files or standard input; or one question after the other. */
export async function run(
  options: Options,
  modelId = '',
  ...words: readonly string[]
): Promise<number> {
  const model = await loadedModel(options, modelId);
  const task = chooseTask(model, options.task);
  const params = await Promise.all((options.param ?? []).map((pair) => readParam(task, pair)));
  const given: Fields = { ...Object.fromEntries(params), ...(await inputsOfFiles(task, options)) };
  const base = { model_id: model.id, task: task.name };
  const { stdin, stdout, stderr } = process;
  const screen: Screen = {
    out: harmless(stdout),
    aside: stderr.isTTY ? dimmed(stderr) : null,
  };
  const wanted = wantedInputs(task, given);
  const isTyped = wanted.length > 0 && words.length === 0 && stdin.isTTY === true;
  if (isTyped && options.json !== true) {
    await interact(task, given, {
      ...{ input: stdin, output: stdout },
      ask: (request, signal) => ask(options, { ...request, ...base }, { screen, signal }),
    });
    return 0;
  }
  const [needed] = neededParameters(task, given);
  if (needed !== undefined) {
    const { name, example } = needed;
    throw new MlosError(
      'INVALID_ARGUMENT',
      `${task.name} needs ${JSON.stringify(name)}: give it as --param ${shellWord(`${name}=${example}`)}.`,
    );
  }
  const inputs = await inputsNow(task, given, words);
  const request = { ...asConversation(task, { ...given, ...inputs }, []), ...base };
  const answer = await ask(options, request, options.json === true ? {} : { screen });
  if (options.json === true) printJson(answer);
  return 0;
}

/** The model with its tasks, which are known once it was loaded. */
async function loadedModel(options: Options, modelId: string): Promise<ModelInfoWire> {
  const line = await openLine(options);
  try {
    const { model } = await line.call('models.get', { model_id: modelId });
    if (model.tasks.length > 0 || model.status === 'ready') return model;
    return (await line.call('models.load', { model_id: modelId })).model;
  } finally {
    await line.close();
  }
}

/** From the words, else from standard input: for the first input that is wanted. */
async function inputsNow(task: Task, given: Fields, words: readonly string[]): Promise<Fields> {
  const wanted = wantedInputs(task, given);
  const [first] = wanted;
  if (first === undefined || words.length > 0) return inputsOfWords(wanted, words);
  const piped =
    process.stdin.isTTY === true ? Buffer.alloc(0) : await readInputStream(process.stdin);
  if (piped.byteLength === 0) {
    throw new MlosError(
      'MISSING_INPUT',
      `${task.name} needs ${JSON.stringify(first.name)}: ${first.description} Give it as an argument${isFile(first) ? ', a path' : ''}, or through standard input.`,
    );
  }
  if (isFile(first)) return { [first.name]: piped };
  const text = piped.toString().replace(/\r?\n$/, '');
  return { [first.name]: first.kind === 'texts' ? text.split(/\r?\n/) : text };
}
