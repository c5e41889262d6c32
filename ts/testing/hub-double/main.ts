import process from 'node:process';
import { parseArgs } from 'node:util';
import type { Fault } from './faults.ts';
import { startHubDouble } from './hub-double.ts';
import { makeTgz } from './tarball.ts';
import { tinyOnnx } from './tiny-onnx.ts';

/*
 * The double as a program, to try axon by hand:
 *   node dist/testing/hub-double/main.js --page-size 2 --fault '{"on":"cdn","kind":"flip","times":1}'
 * Prints one JSON line with the addresses; ends with its standard input.
 */
const { values } = parseArgs({
  options: {
    'page-size': { type: 'string', default: '1000' },
    fault: { type: 'string', multiple: true },
  },
});
const model = tinyOnnx();
const double = await startHubDouble({
  pageSize: Number(values['page-size']),
  repos: [
    {
      id: 'tiny/net',
      files: { 'README.md': '# tiny\n', 'config.json': '{}', 'onnx/model.onnx': model },
    },
  ],
  packages: [
    {
      name: '@tiny/net',
      version: '1.0.0',
      tarball: await makeTgz({
        'package.json': '{"name":"@tiny/net","license":"MIT"}',
        'model.onnx': model,
      }),
    },
  ],
  files: { 'model.onnx': model },
});
for (const fault of values.fault ?? []) double.lie(JSON.parse(fault) as Fault);
process.stdout.write(`${JSON.stringify({ ...double.env, files: double.cdn })}\n`);
process.stdin.resume();
process.stdin.on('end', () => void double.close());
