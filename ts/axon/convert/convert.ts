import { formatModelId, type ModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import type { HubSpec } from '../hubs/hub.ts';
import { installSpec } from '../install/install.ts';
import { type InstallResult, readInstallFlags } from '../install/options.ts';
import { verifyPackage } from '../package/verify.ts';
import { bringAgain } from '../store/bring-again.ts';
import { readManifest, requireInstalled } from '../store/catalog.ts';
import { confirm } from './confirm.ts';
import { ConvertedSource } from './converted-source.ts';
import { type ConversionPlan, type PlanFlags, planConversion } from './plan.ts';
import { environmentFor, isReady, prepareEnvironment } from './prepare-environment.ts';

export interface ConvertOptions extends PlanFlags {
  readonly as: ModelId | null;
  readonly yes: boolean;
  readonly force: boolean;
  readonly limitMs: number;
}

/*
 * plan → agree to the environment → verify the source → convert and compare → install like any other model.
 * It is planned before Python is looked for, so that what cannot work costs nothing.
 */
export async function convertModel(
  text: string,
  options: ConvertOptions,
  context: Context,
): Promise<InstallResult> {
  const installed = requireInstalled(context.layout, text);
  const manifest = readManifest(installed.dir);
  const plan = planConversion(manifest, options);
  const { namespace, name, version } = installed.id;
  const spec: HubSpec = {
    id: { namespace, name: `${name}-onnx`, version },
    origin: { hub: 'convert', id: formatModelId(installed.id) },
    async resolve() {
      await agree(plan, options, context);
      const environment = await prepareEnvironment(plan.environment, context);
      await requireWhole(installed.dir, text, context);
      context.output.note(`Converting ${text} by way of ${plan.route}, and comparing both.`);
      const { limitMs } = options;
      return new ConvertedSource({ installed, manifest, plan, environment, limitMs }, context);
    },
  };
  const { as, force } = options;
  return installSpec(spec, { ...readInstallFlags({ format: 'onnx', force }), as }, context);
}

/** Says what would be put where before anything is. */
async function agree(plan: ConversionPlan, { yes }: ConvertOptions, context: Context) {
  const environment = environmentFor(plan.environment, context);
  if (isReady(environment)) return;
  const what = `The conversion needs a Python environment of some gigabytes in ${environment.dir} with ${plan.environment.packages.join(', ')}`;
  if (yes || (await confirm(`${what}. Make it?`, context))) return;
  throw new AxonError('NO_CONVERTER', `${what}. Nothing was done; --yes makes it.`);
}

async function requireWhole(dir: string, text: string, { signal }: Context): Promise<void> {
  const { missing, damaged } = await verifyPackage(dir, signal);
  if (missing.length + damaged.length === 0) return;
  throw new AxonError(
    'VERIFY_FAILED',
    `${text} is not whole: ${[...missing, ...damaged].slice(0, 5).join(', ')}. ${bringAgain(dir)}`,
  );
}
