import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { AttachedModel, Client } from '../../client/client.ts';
import { registerModel } from '../daemon/models.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { root } from '../house/tree.ts';
import { slowModel } from '../onnx-models.ts';
import { compile, skip as noCompiler } from './compile.ts';
import { findPython } from './interpreter.ts';
import { run } from './run.ts';

/*
 * Guards: one event has one code, whichever client sees it. Each client asks the slow model twice, the
 * second request waiting behind the first; then it closes the model itself, or somebody unloads it.
 * What it prints: the codes of both requests, and that of one more afterwards.
 */
const watchdog = { timeout: 120_000 };
const { program: pythonProgram, skip: noPython } = findPython();
const model = 'test/slow@1';
/** The first request's, of a millisecond or so: it must still run when the event comes. */
const turns = { close: 60_000, unload: 1_500 };
type Event = keyof typeof turns;

const cSource = `
#include <mlos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mlos_request *ask(mlos_model *model, int64_t turns) {
  const mlos_input inputs[] = {{.index = 0}, {.index = 1}};
  mlos_request *request;
  if (mlos_request_create(model, inputs, 2, &request) != MLOS_OK) exit(1);
  memcpy(mlos_request_data(request, 0, NULL), &turns, sizeof turns);
  if (mlos_submit(request, 0) != MLOS_OK) exit(1);
  return request;
}

int main(int count, char **args) {
  mlos_model *model;
  if (count != 3 || mlos_attach(args[1], "${model}", NULL, &model) != MLOS_OK) return 1;
  const int unload = strcmp(args[2], "unload") == 0;
  mlos_request *first = ask(model, unload ? ${turns.unload} : ${turns.close}), *second = ask(model, 1);
  printf("asked\\n");
  fflush(stdout);
  if (!unload) mlos_close(model);
  printf("%s ", mlos_status_name(mlos_wait_for(first, 0)));
  printf("%s ", mlos_status_name(mlos_wait_for(second, 0)));
  printf("%s\\n", mlos_status_name(mlos_infer(second, 0)));
  return 0;
}
`;

const pythonSource = `
import sys
import mlos

def ask(model, turns):
    request = model.request()
    request.inputs["turns"][...] = turns
    request.submit()
    return request

def code(call):
    try:
        call()
        return "OK"
    except mlos.Error as error:
        return error.code

model = mlos.attach("${model}", sys.argv[1])
unload = sys.argv[2] == "unload"
first, second = ask(model, ${turns.unload} if unload else ${turns.close}), ask(model, 1)
print("asked", flush=True)
if not unload:
    model.close()
print(code(first.wait), code(second.wait), code(second.infer))
`;

function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'OK',
    (error) => error.code,
  );
}

/** The second request has reached the model's queue. */
async function oneWaits(client: Client): Promise<void> {
  for (;;) {
    const { processes } = await client.call('stats.engine', {});
    const found = processes.flatMap(({ models }) => models).find((one) => one.model_id === model);
    if ((found?.queued ?? 0) > 0) return;
    await delay(2);
  }
}

async function inTypeScript(client: Client, event: Event, onAsked: () => void): Promise<string> {
  const attached: AttachedModel = await client.attach(model);
  const first = codeOf(attached.infer({ turns: turns[event], x: 0 }));
  const second = codeOf(attached.infer({ turns: 1, x: 0 }));
  onAsked();
  if (event === 'close') attached.close();
  const codes = [await first, await second];
  return [...codes, await codeOf(attached.infer({ turns: 1, x: 0 }))].join(' ');
}

async function start(t: TestContext) {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: model, model: slowModel() });
  const c = await compile(await place.file('closing.c', cSource), join(place.folder, 'closing'));
  const python = await place.file('closing.py', pythonSource);
  const environment = { PYTHONPATH: join(root, 'python'), PYTHONDONTWRITEBYTECODE: '1' };
  const inProgram = async (program: string, args: string[], event: Event, onAsked: () => void) => {
    let isAsked = false;
    const { code, stdout, stderr } = await run(program, [...args, daemon.socketPath, event], {
      env: environment,
      onOutput: (text) => {
        if (isAsked || !text.includes('asked')) return;
        isAsked = true;
        onAsked();
      },
    });
    assert.equal(code, 0, stderr);
    return stdout.trim().split('\n').at(-1);
  };
  const client = await daemon.connect();
  return {
    client,
    clients: {
      TypeScript: (event: Event, onAsked: () => void) => inTypeScript(client, event, onAsked),
      C: (event: Event, onAsked: () => void) => inProgram(c, [], event, onAsked),
      Python: (event: Event, onAsked: () => void) =>
        inProgram(pythonProgram, [python], event, onAsked),
    },
  };
}

test('who closes its model is told CANCELLED, then FAILED_PRECONDITION', {
  ...watchdog,
  skip: noCompiler || noPython,
}, async (t) => {
  const { clients } = await start(t);
  for (const [name, ask] of Object.entries(clients)) {
    const codes = await ask('close', () => undefined);
    assert.equal(codes, 'CANCELLED CANCELLED FAILED_PRECONDITION', name);
  }
});

test('what is under way when a model is unloaded', {
  ...watchdog,
  skip: noCompiler || noPython,
}, async (t) => {
  const { client, clients } = await start(t);
  for (const [name, ask] of Object.entries(clients)) {
    let unloaded: Promise<unknown> | null = null;
    const codes = await ask('unload', () => {
      unloaded = oneWaits(client).then(() => client.call('models.unload', { model_id: model }));
    });
    await unloaded;
    // The first is run to its end where the engine had begun with it.
    assert.match(codes ?? '', /^(OK|PLUGIN_UNAVAILABLE) PLUGIN_UNAVAILABLE OK$/, name);
  }
});
