import { Option } from 'commander';
import { parseModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import { convertModel } from '../convert/convert.ts';
import { parseInputSpec } from '../convert/input-spec.ts';
import { readManifest } from '../store/catalog.ts';
import { type AddCommand, collect, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly as?: string;
  readonly input?: readonly string[];
  readonly architecture?: string;
  readonly timeout: string;
  readonly yes?: boolean;
  readonly force?: boolean;
}

export const addConvert: AddCommand = (program, run) => {
  withExample(
    program
      .command('convert <id>')
      .description('make an ONNX model of an installed one, and compare the two with random inputs')
      .addOption(
        new Option('--to <format>', 'the format to make').choices(['onnx']).default('onnx'),
      )
      .option('--as <ns/name@version>', 'install it under this id')
      .option('--input <spec>', 'an input as name:dtype[dims] (repeatable, in order)', collect)
      .option('--architecture <builder>', 'what makes the graph, as torchvision.models.resnet50')
      .option('--timeout <minutes>', 'how long the conversion may take', '30')
      .option('-y, --yes', 'make the Python environment that is needed without asking')
      .option('--force', 'convert again and replace what is installed'),
    'axon convert pytorch/vision/resnet50@latest --yes',
    "axon convert my/net@1 --input 'image:float32[batch,3,224,224]' --as my/net-onnx@1",
  ).action((id: string, flags: Flags) =>
    run(flags.json === true, async (context) => {
      const result = await convertModel(
        id,
        {
          as: flags.as === undefined ? null : parseModelId(flags.as),
          inputs: (flags.input ?? []).map(parseInputSpec),
          architecture: flags.architecture ?? null,
          yes: flags.yes === true,
          force: flags.force === true,
          limitMs: minutes(flags.timeout) * 60_000,
        },
        context,
      );
      const conversion = readManifest(result.path).distribution?.conversion;
      context.output.result({ ...result, conversion }, [
        result.status === 'already-installed'
          ? `${result.id} is already installed. --force converts again.`
          : `${context.output.paint('green', 'Converted')} ${id} to ${result.id}`,
        ...(conversion === undefined
          ? []
          : [
              `  differs from its source by at most ${conversion.max_abs.toPrecision(2)} (${(100 * conversion.max_rel).toPrecision(2)} % of the largest number), ${conversion.trials} random inputs`,
            ]),
        `Next: axon register ${result.id}`,
      ]);
    }),
  );
};

function minutes(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0 && number <= 24 * 60) return number;
  throw new AxonError('USAGE', `--timeout ${JSON.stringify(text)} is not a number of minutes.`);
}
