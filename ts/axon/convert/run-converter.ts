import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { runChild } from './child.ts';
import type { ConversionPlan } from './plan.ts';
import type { Environment } from './prepare-environment.ts';

const script = fileURLToPath(new URL('../../../python/axon_convert/main.py', import.meta.url));
const trials = 3;
const seed = 20_260_101;
const maxAnswerBytes = 64 * 1024;

/** How near the ONNX model is to its source, on the same random inputs. */
export interface Comparison {
  readonly trials: number;
  readonly max_abs: number;
  /** Share of the largest number of the output. */
  readonly max_rel: number;
  readonly versions: Readonly<Record<string, string>>;
}

export interface ConverterJob {
  readonly plan: ConversionPlan;
  readonly environment: Environment;
  /** The folder of the source, and the files that are run. */
  readonly source: string;
  readonly run: readonly string[];
  /** An empty folder; `model.onnx` is in `out` below it when this has ended well. */
  readonly work: string;
  readonly limitMs: number;
}

/** Runs the conversion in a process of its own. Only what was compared with its source is an answer. */
export async function runConverter(
  { plan, environment, source, run, work, limitMs }: ConverterJob,
  { env, signal }: Context,
): Promise<Comparison> {
  const { route, architecture, weights, inputs } = plan;
  const out = path.join(work, 'out');
  const answer = path.join(work, 'answer.json');
  const job = path.join(work, 'job.json');
  fs.mkdirSync(out, { recursive: true });
  const description = { route, architecture, weights, inputs, source, run, seed, trials };
  fs.writeFileSync(
    job,
    JSON.stringify({ ...description, out: path.join(out, 'model.onnx'), answer }),
  );
  const ended = await runChild(environment.python, ['-I', '-B', script, job], {
    cwd: work,
    env: childEnv(env, work),
    limitMs,
    signal,
  });
  if (ended.timedOut)
    throw failed(`did not end in ${Math.round(limitMs / 60_000)} minutes; --timeout gives it more`);
  const result = readAnswer(answer);
  if (typeof result?.['problem'] === 'string') throw failed(result['problem'].slice(0, 2_000));
  const comparison = comparisonOf(result);
  if (ended.status !== 0 || comparison === null || !fs.existsSync(path.join(out, 'model.onnx')))
    throw failed(
      `ended without an answer (status ${ended.status}): ${ended.said.trim().slice(-500)}`,
    );
  return comparison;
}

function failed(why: string): AxonError {
  return new AxonError('CONVERSION_FAILED', `The conversion failed: ${why}. Nothing was kept.`);
}

/** Only what a program needs to run: no credentials, no caches of the user, nothing from the network. */
function childEnv(env: NodeJS.ProcessEnv, work: string): NodeJS.ProcessEnv {
  const passed = ['PATH', 'LANG', 'LC_ALL', 'LD_LIBRARY_PATH'].flatMap((name) =>
    env[name] === undefined ? [] : [[name, env[name]] as const],
  );
  return {
    ...Object.fromEntries(passed),
    HOME: work,
    TMPDIR: work,
    HF_HUB_OFFLINE: '1',
    TRANSFORMERS_OFFLINE: '1',
    CUDA_VISIBLE_DEVICES: '',
    TF_CPP_MIN_LOG_LEVEL: '2',
  };
}

function readAnswer(file: string): Record<string, unknown> | null {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || stat.size > maxAnswerBytes) return null;
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown> | null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function comparisonOf(result: Record<string, unknown> | null): Comparison | null {
  const { comparison, versions } = result ?? {};
  const { max_abs: abs, max_rel: rel } = (comparison ?? {}) as Record<string, unknown>;
  const isNumber = (value: unknown): value is number =>
    typeof value === 'number' && Number.isFinite(value) && value >= 0;
  if (!isNumber(abs) || !isNumber(rel)) return null;
  const named = Object.entries(versions ?? {}).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string' && pair[1].length <= 64,
  );
  return { trials, max_abs: abs, max_rel: rel, versions: Object.fromEntries(named.slice(0, 16)) };
}
