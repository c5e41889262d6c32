import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { infer, registerModel } from '../daemon/models.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { OipGrpcClient } from '../oip/grpc-client.ts';
import { identityModel } from '../onnx-models.ts';
import { Exposition } from './exposition.ts';

// Guards: what /metrics says is what happened, in a text that every reader of the format takes.

const watchdog = { timeout: 60_000 };
const model = 'model="test/counted",version="1"';

for (const adapter of ['auto', 'node']) {
  describe(`metrics, adapter ${adapter}`, () => {
    let daemon: DaemonProcess;
    const cleanUp: (() => unknown)[] = [];

    before(async () => {
      const place = await openPlace({ after: (done) => cleanUp.push(done as () => unknown) });
      daemon = await place.start({ args: ['--set', `api.http.adapter=${adapter}`] });
      const id = 'test/counted@1';
      await registerModel(place, daemon, { id, model: identityModel('float32', ['n']) });
    });
    after(async () => {
      for (const done of cleanUp) await done();
    });

    const fetchMetrics = (init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${daemon.httpPort}/metrics`, init);
    const scrape = async () => {
      const reply = await fetchMetrics();
      assert.equal(reply.status, 200);
      assert.match(reply.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
      return new Exposition(await reply.text());
    };
    const requests = (method: string, door: string, code: string) =>
      `method="${method}",door="${door}",code="${code}"`;

    test('counters move by exactly the requests that were made', watchdog, async () => {
      const before = await scrape();
      assert.ok(before.has('nv_inference_request_success', model), 'there from the load on');
      for (let i = 0; i < 5; i++) {
        assert.equal((await infer(daemon, 'test/counted@1', { x: [i, 1] })).status, 200);
      }
      for (let i = 0; i < 2; i++) {
        assert.equal((await infer(daemon, 'test/none@1', { x: [1] })).status, 404);
      }
      const client = new OipGrpcClient(`127.0.0.1:${daemon.grpcPort}`);
      try {
        await client.call('ServerLive');
      } finally {
        client.close();
      }
      const now = await scrape();
      const grown = (name: string, labels: string) =>
        now.value(name, labels) - before.value(name, labels);
      assert.equal(grown('mlos_requests_total', requests('models.infer', 'http', 'OK')), 5);
      const missing = requests('models.infer', 'http', 'MODEL_NOT_FOUND');
      assert.equal(grown('mlos_requests_total', missing), 2);
      assert.equal(grown('mlos_requests_total', requests('health.live', 'grpc', 'OK')), 1);
      assert.equal(grown('mlos_request_seconds_count', 'method="models.infer"'), 7);
      assert.equal(now.value('mlos_inferences_total', `${model},outcome="succeeded"`), 5);
      for (const name of ['queue', 'compute', 'transport']) {
        assert.equal(now.value(`mlos_${name}_seconds_count`, model), 5, name);
        assert.equal(now.value(`mlos_${name}_seconds_bucket`, `${model},le="+Inf"`), 5, name);
      }
      assert.ok(now.value('mlos_transport_seconds_sum', model) > 0);
      assert.equal(now.value('mlos_batch_size_count', model), 5);
      assert.equal(now.value('nv_inference_request_success', model), 5);
      assert.equal(now.value('nv_inference_request_failure', model), 0);
      assert.equal(now.value('nv_inference_count', model), 5);
      assert.equal(now.value('nv_inference_exec_count', model), 5);
      assert.equal(now.value('nv_inference_pending_request_count', model), 0);
      const us = (name: string) => now.value(`nv_inference_${name}_duration_us`, model);
      const parts = ['queue', 'compute_input', 'compute_infer', 'compute_output'].map(us);
      assert.equal(
        us('request'),
        parts.reduce((sum, part) => sum + part, 0),
      );
      assert.ok(us('compute_infer') > 0);
    });

    test('looking changes nothing but the look at the host', watchdog, async () => {
      const [first, second] = [await scrape(), await scrape()];
      assert.deepEqual(second.keys, first.keys);
      for (const [name, type] of first.types) {
        if (type !== 'counter') continue;
        for (const key of first.keys.filter((one) => one.startsWith(`${name}{`))) {
          const labels = key.slice(name.length + 1, -1);
          assert.equal(second.value(name, labels), first.value(name, labels), key);
        }
      }
    });

    test('the daemon, its plugins and the host', watchdog, async () => {
      const now = await scrape();
      for (const name of [
        'mlos_resident_bytes',
        'mlos_open_descriptors',
        'mlos_models_registered',
        'nv_cpu_memory_total_bytes',
        'nv_cpu_memory_used_bytes',
      ]) {
        assert.ok(now.value(name) > 0, name);
      }
      const used = now.value('nv_cpu_utilization');
      assert.ok(used >= 0 && used <= 1, String(used));
      assert.equal(now.value('mlos_models_registered'), 1);
      const plugins = now.keys.filter((key) => key.startsWith('mlos_plugin_restarts_total{'));
      assert.equal(plugins.length, 1);
    });

    test('names that clients make up are no labels', watchdog, async () => {
      for (let i = 0; i < 20; i++) await infer(daemon, `made/up-${i}@1`, { x: [1] });
      const now = await scrape();
      assert.deepEqual(
        now.keys.filter((key) => key.includes('made/up')),
        [],
      );
    });

    test('other verbs are refused by name; HEAD has no body', watchdog, async () => {
      const refused = await fetchMetrics({ method: 'POST' });
      assert.equal(refused.status, 405);
      assert.equal(refused.headers.get('allow'), 'GET, HEAD, OPTIONS');
      const head = await fetchMetrics({ method: 'HEAD' });
      assert.equal(head.status, 200);
      assert.equal(await head.text(), '');
    });
  });
}
