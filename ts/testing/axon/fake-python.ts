import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * A program that is called as Python is for a conversion, and does what FAKE_PYTHON in its folder says:
 *   ok       the model beside it is the result, as near as the answer says
 *   problem  an answer with a problem          crash   no answer          hang   no end
 *   old      Python 3.9                         pip     pip fails
 */
export type Behaviour = 'ok' | 'problem' | 'crash' | 'hang' | 'old' | 'pip';

const program = `
import fs from 'node:fs';
import path from 'node:path';
const [folder, ...args] = process.argv.slice(2);
const behaviour = fs.readFileSync(path.join(folder, 'behaviour'), 'utf8');
fs.appendFileSync(path.join(folder, 'calls'), args.join(' ') + '\\n');
if (args[0] === '-c') console.log(behaviour === 'old' ? '3 9' : '3 12');
else if (args[1] === 'venv') {
  fs.mkdirSync(path.join(args[2], 'bin'), { recursive: true });
  fs.copyFileSync(path.join(folder, 'python'), path.join(args[2], 'bin/python'));
} else if (args[1] === 'pip') process.exit(behaviour === 'pip' ? 1 : 0);
else {
  const job = JSON.parse(fs.readFileSync(args.at(-1), 'utf8'));
  fs.writeFileSync(path.join(folder, 'job'), JSON.stringify({ ...job, env: process.env }));
  if (behaviour === 'hang') setInterval(() => {}, 1000);
  else if (behaviour === 'crash') process.exit(3);
  else if (behaviour === 'problem')
    fs.writeFileSync(job.answer, JSON.stringify({ problem: 'output y differs from the source' }));
  else {
    fs.copyFileSync(path.join(folder, 'model.onnx'), job.out);
    const comparison = { max_abs: 1e-6, max_rel: 1e-7, trials: job.trials };
    fs.writeFileSync(job.answer, JSON.stringify({ comparison, versions: { torch: '2' } }));
  }
}
`;

/** Puts the program into a folder; gives what AXON_PYTHON has to be. */
export function fakePython(folder: string, behaviour: Behaviour, model: Buffer): string {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'behaviour'), behaviour);
  fs.writeFileSync(path.join(folder, 'model.onnx'), model);
  fs.writeFileSync(path.join(folder, 'program.mjs'), program);
  const python = path.join(folder, 'python');
  const call = [process.execPath, path.join(folder, 'program.mjs'), folder];
  fs.writeFileSync(python, `#!/bin/sh\nexec ${call.map((word) => `'${word}'`).join(' ')} "$@"\n`);
  fs.chmodSync(python, 0o755);
  return python;
}

export const converterScript = fileURLToPath(
  new URL('../../../python/axon_convert/main.py', import.meta.url),
);
