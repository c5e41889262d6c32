import { exampleInputs } from '../../protocol/example-inputs.ts';
import type { Result } from '../../protocol/method-table.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { quoted } from '../../protocol/shell-word.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { parseSpec } from '../hubs/registry.ts';
import { install } from '../install/install.ts';
import { readInstallFlags } from '../install/options.ts';
import { Daemon, isRefusal } from '../register/daemon.ts';
import { readInput } from '../register/read-input.ts';
import { registerModel } from '../register/register.ts';
import { formatBytes } from '../render/format.ts';
import { findInstalled, readManifest, requireInstalled } from '../store/catalog.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly data?: string;
  readonly endpoint?: string;
}

type Answer = Result<'models.infer'>;

/** Elements of one output that are printed; --json has all. */
const shownElements = 16;

export const addRun: AddCommand = (program, run) => {
  withExample(
    program
      .command('run <model> [input]')
      .description('run a model once: installs and registers it first where that is not done')
      .option('-d, --data <json>', 'the inputs themselves instead of a file')
      .option('--endpoint <url>', 'the daemon (else MLOS_CORE_ENDPOINT, else mlos.endpoint)'),
    'axon run my/model@1 input.json',
    `axon run hf/org/model@latest --data '{"input_ids": [[101, 102]]}'`,
    'axon run my/model@1 - < input.json',
  ).action((model: string, file: string | undefined, flags: Flags) =>
    run(flags.json === true, async (context) => {
      const daemon = new Daemon(flags.endpoint ?? null, context);
      const given = await readInput(file ?? null, flags.data ?? null, context);
      const id = await installed(model, context);
      await registered(id, daemon, context);
      if (given === null) throw noInput(model, id, context);
      const answer = await daemon.call('models.infer', { ...given, model_id: id });
      context.output.result(answer, lines(answer));
    }),
  );
};

/** The id of the model, which is installed when this ends. */
async function installed(text: string, context: Context): Promise<string> {
  const known = findInstalled(context.layout, text);
  if (known !== null) return formatModelId(known.id);
  const spec = parseSpec(text, context);
  context.output.note(`${formatModelId(spec.id)} is not installed yet.`);
  return (await install(text, readInstallFlags({}), context)).id;
}

async function registered(id: string, daemon: Daemon, context: Context): Promise<void> {
  try {
    await daemon.call('models.get', { model_id: id });
  } catch (error) {
    if (!isRefusal(error, 'MODEL_NOT_FOUND')) throw error;
    await registerModel(id, daemon, context);
  }
}

function noInput(text: string, id: string, { layout }: Context): AxonError {
  const manifest = readManifest(requireInstalled(layout, id).dir);
  const inputs = manifest.spec.io?.inputs ?? [];
  const wants = inputs.map(
    ({ name, dtype, dims, shape }) =>
      `${name}: ${dtype}[${(dims ?? shape).map((dim) => dim ?? '?').join(', ')}]`,
  );
  const example = exampleInputs(manifest.spec.io?.inputs ?? []);
  return new AxonError(
    'USAGE',
    `${id} is ready, but there is no input.${wants.length === 0 ? '' : ` It takes ${wants.join('; ')}.`} ` +
      (example === null
        ? `Write them to a file: axon run ${text} input.json`
        : `For instance: axon run ${text} --data ${quoted(JSON.stringify(example))}`),
    { details: { id, inputs } },
  );
}

function lines(answer: Answer): string[] {
  const { outputs = {}, output_shapes: shapes = {}, output_dtypes: dtypes = {} } = answer;
  const values = Object.entries(outputs).map(([name, value]) => {
    const list = Array.isArray(value) ? value : [value];
    const more = list.length > shownElements ? `, … ${list.length} in all` : '';
    const shown = list.slice(0, shownElements).map((element) => JSON.stringify(element));
    return `${name}  ${dtypes[name] ?? ''}[${(shapes[name] ?? []).join(', ')}]  ${shown.join(', ')}${more}`;
  });
  const milliseconds = (answer.inference_time_us / 1000).toFixed(1);
  return [...values, `${milliseconds} ms, ${formatBytes(answer.output_size)} of output`];
}
