// Fuzzes what reads bytes of strangers in the native core, under AddressSanitizer and
// UndefinedBehaviorSanitizer.
//
//   npm run fuzz -- [seconds, 60 by default]
//
// With clang the fuzzer is libFuzzer, and what it finds new goes into build/fuzz/found/; without it
// a plain driver runs the corpus and random mutations of it. A crash leaves its input in build/fuzz/.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { commonFlags, compileObjects, findCompiler, onPath } from './native/compile.mjs';
import { isMain, main, root, run, StepError } from './steps.mjs';

const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const sources = [
  'native/src/base/status.cc',
  'native/src/shm/descriptor_decoder.cc',
  'native/src/shm/packed_strings.cc',
  'native/src/shm/tensor_view.cc',
  'native/fuzz/descriptor_fuzz.cc',
];
const corpus = 'native/fuzz/corpus/descriptor';

/** Builds the program; `guided` with libFuzzer. */
async function build(guided, folder, log) {
  const compiler = guided ? onPath('clang++') : findCompiler();
  const fuzzer = guided ? ['-fsanitize=fuzzer'] : [];
  const objects = await compileObjects({
    compiler,
    flags: [...commonFlags, ...sanitizers, ...fuzzer, '-O1', '-g', '-Inative/src'],
    sources: guided ? sources : [...sources, 'native/fuzz/plain_driver.cc'],
    folder: path.join(folder, guided ? 'guided' : 'plain'),
    log,
  });
  const program = path.join(folder, guided ? 'descriptor_guided' : 'descriptor_plain');
  await run(compiler, [...objects, ...sanitizers, ...fuzzer, '-o', program], { quiet: true });
  return program;
}

/** Whether there is a clang that has libFuzzer: a package of its own in some distributions. */
async function hasLibFuzzer(folder) {
  const clang = onPath('clang++');
  if (clang === null) return false;
  const probe = path.join(folder, 'probe.cc');
  fs.writeFileSync(
    probe,
    'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }\n',
  );
  try {
    await run(clang, ['-fsanitize=fuzzer,address', probe, '-o', `${probe}.out`], { quiet: true });
    return true;
  } catch {
    return false;
  }
}

/** Runs the fuzzer for so many seconds; throws when it finds something. */
export async function fuzz(seconds) {
  const folder = path.join(root, 'build/fuzz');
  const found = path.join(folder, 'found');
  fs.mkdirSync(found, { recursive: true });
  const guided = await hasLibFuzzer(folder);
  const program = await build(guided, folder, (line) => process.stderr.write(`fuzz: ${line}\n`));
  const args = guided
    ? [
        `-max_total_time=${seconds}`,
        '-max_len=8192',
        '-use_value_profile=1',
        '-print_final_stats=1',
        '-verbosity=0',
        '-timeout=10',
        `-artifact_prefix=${folder}/`,
        found,
        corpus,
      ]
    : [corpus, String(seconds)];
  await run(program, args, { failure: `The fuzzer found something; see above and ${folder}.` });
  process.stdout.write(`fuzz: ${seconds} s ${guided ? 'with libFuzzer' : 'blind'}, no fault\n`);
}

if (isMain(import.meta.url)) {
  await main(async () => {
    const seconds = Number(process.argv[2] ?? '60');
    if (!Number.isInteger(seconds) || seconds < 1) {
      throw new StepError('Usage: npm run fuzz -- [whole seconds]');
    }
    await fuzz(seconds);
  });
}
