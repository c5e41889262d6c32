import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { registerSum } from '../sequences/stateful-model.ts';
import { withBinary } from './exchange.ts';
import { floats, overEachAdapter } from './over-http.ts';

// Guards: inference by the Open Inference Protocol over HTTP against a real daemon, with the very requests that
// its stock clients send, and what is known to break them.

const watchdog = { timeout: 60_000 };

overEachAdapter('inference of the open protocol over HTTP', (oip) => {
  const { get, post, infer } = oip;

  test('a request with binary data, as captured from the stock client', watchdog, async () => {
    const values = Float32Array.from({ length: 8 }, (_, i) => i / 2);
    const json = {
      id: '42',
      inputs: [
        {
          name: 'INPUT0',
          shape: [2, 4],
          datatype: 'FP32',
          parameters: { binary_data_size: 32 },
        },
      ],
      parameters: { binary_data_output: true },
    };
    const sent = withBinary(json, values);
    const reply = await post('/v2/models/test/simple/infer', sent);
    assert.equal(reply.status, 200);
    assert.equal(reply.headers['content-type'], 'application/octet-stream');
    assert.deepEqual(reply.json, {
      id: '42',
      model_name: 'test/simple',
      model_version: '1',
      outputs: [
        {
          name: 'OUTPUT0',
          datatype: 'FP32',
          shape: [2, 4],
          parameters: { binary_data_size: 32 },
        },
      ],
    });
    assert.deepEqual(floats(reply), [...values]);
    // The header counts the JSON before it is compressed.
    for (const [coding, pack, unpack] of [
      ['gzip', gzipSync, gunzipSync],
      ['deflate', deflateSync, inflateSync],
    ] as const) {
      const coded = await post('/v2/models/test/simple/infer', {
        body: pack(sent.body),
        headers: { ...sent.headers, 'content-encoding': coding },
      });
      assert.deepEqual(floats(coded), [...values], coding);
      const many = { name: 'x', shape: [1_000], datatype: 'FP32' };
      const large = await post('/v2/models/test/vector/infer', {
        body: JSON.stringify({ inputs: [{ ...many, data: new Array(1_000).fill(0.5) }] }),
        headers: { 'accept-encoding': coding },
      });
      assert.equal(large.headers['content-encoding'], coding);
      assert.equal(JSON.parse(unpack(large.bytes).toString()).outputs[0].data.length, 1_000);
    }
  });

  test('each output in the form that it is wanted in', watchdog, async () => {
    const inputs = ['a', 'b'].map((name, i) => ({
      ...{ name, shape: [2], datatype: 'FP32' },
      data: [i + 1, i + 2],
    }));
    const outputs = [{ name: 'product', parameters: { binary_data: true } }, { name: 'sum' }];
    const reply = await infer('test/pair', { inputs, outputs });
    assert.deepEqual(
      reply.json.outputs.map((one: { name: string }) => one.name),
      ['product', 'sum'],
    );
    assert.deepEqual(floats(reply), [2, 6]);
    assert.deepEqual(reply.json.outputs[1].data, [3, 5]);
    const plain = await infer('test/pair', { inputs });
    assert.equal(plain.headers['inference-header-content-length'], undefined);
    assert.deepEqual(plain.json.outputs.length, 2);
  });

  test('a body that is the one input itself', watchdog, async () => {
    const headers = { 'inference-header-content-length': 0 };
    const body = new Uint8Array(Float32Array.of(1, 2, 3).buffer);
    const reply = await post('/v2/models/test/vector/infer', { body, headers });
    assert.deepEqual(reply.json.outputs[0].shape, [3]);
    assert.deepEqual(floats(reply), [1, 2, 3]);
    const text = await post('/v2/models/test/texts/infer', { body: Buffer.from('ä'), headers });
    assert.deepEqual([...text.binary], [2, 0, 0, 0, 0xc3, 0xa4]);
    const pair = await post('/v2/models/test/pair/infer', { body, headers });
    assert.equal(pair.status, 400);
    const odd = await post('/v2/models/test/vector/infer', { body: body.subarray(1), headers });
    assert.match(odd.json.error, /11 bytes/);
  });

  test('integers beyond 2^53, texts, NaN and −0 go there and back', watchdog, async () => {
    const wide = await infer('test/wide', {
      inputs: [{ name: 'x', shape: [2], datatype: 'INT64', data: ['9007199254740993', -1] }],
    });
    assert.match(String(wide.bytes), /"data":\[9007199254740993,-1\]/);
    const vector = await infer('test/vector', {
      inputs: [{ name: 'x', shape: [3], datatype: 'FP32', data: ['NaN', -0, '-Infinity'] }],
    });
    // JSON.stringify above has sent 0 for −0.
    assert.match(String(vector.bytes), /"data":\["NaN",0,"-Infinity"\]/);
    const minus = await post('/v2/models/test/vector/infer', {
      body: '{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[-0]}]}',
    });
    assert.match(String(minus.bytes), /"data":\[-0\]/);
    const texts = ['', 'ä€𝄞', '"\n'];
    const list = await infer('test/texts', {
      inputs: [{ name: 'x', shape: [3], datatype: 'BYTES', data: texts }],
    });
    assert.deepEqual(list.json.outputs[0].data, texts);
  });

  test('half floats are bytes, never JSON', watchdog, async () => {
    const input = { name: 'x', shape: [2], datatype: 'FP16' };
    const halves = Uint16Array.of(0x3c00, 0xc000);
    const facts = { ...input, parameters: { binary_data_size: 4 } };
    const asked = { inputs: [facts], parameters: { binary_data_output: true } };
    const reply = await post('/v2/models/test/half/infer', withBinary(asked, halves));
    assert.deepEqual([...new Uint16Array(new Uint8Array(reply.binary).buffer)], [...halves]);
    const list = await infer('test/half', { inputs: [{ ...input, data: [1, 2] }] });
    assert.equal(list.status, 400);
    assert.match(list.json.error, /FP16 has no JSON form/);
    const json = await post('/v2/models/test/half/infer', withBinary({ inputs: [facts] }, halves));
    assert.equal(json.status, 400);
    assert.match(json.json.error, /ask for it as binary_data/);
  });

  test(
    'sequences: interleaved ones never mix, and a model without a state takes them',
    watchdog,
    async () => {
      await registerSum(oip.place, oip.daemon, 'sum');
      const add = async (value: number, parameters: unknown) => {
        const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [value, value] }];
        const reply = await infer('seq/sum', { inputs, parameters });
        assert.equal(reply.status, 200, String(reply.bytes));
        return reply.json.outputs[0].data[0];
      };
      for (let i = 1; i <= 5; i++) {
        const [a, b] = await Promise.all([
          add(1, { sequence_id: 7, sequence_start: i === 1 }),
          add(10, { sequence_id: 'b', sequence_start: i === 1, sequence_end: i === 5 }),
        ]);
        assert.deepEqual([a, b], [i, 10 * i]);
      }
      const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 1] }];
      const ended = await infer('seq/sum', { inputs, parameters: { sequence_id: 'b' } });
      assert.equal(ended.status, 400);
      const config = (await get('/v2/models/seq/sum/config')).json;
      assert.equal(config.sequence_batching.state[0].input_name, 'total');
      const vector = [{ name: 'x', shape: [1], datatype: 'FP32', data: [4] }];
      const captured = {
        ...{ sequence_id: 7, sequence_start: true, sequence_end: false },
        ...{ priority: 1, timeout: 10_000_000, k: 1 },
      };
      const plain = await infer('test/vector', { inputs: vector, parameters: captured });
      assert.deepEqual(plain.json.outputs[0].data, [4]);
      for (const parameters of [
        { sequence_id: -1 },
        { sequence_id: 1.5 },
        { sequence_id: true },
        { sequence_start: true },
        { sequence_id: 1, sequence_start: 1 },
      ]) {
        const reply = await infer('test/vector', { inputs: vector, parameters });
        assert.equal(reply.status, 400, JSON.stringify(parameters));
      }
    },
  );

  test('every mistake is named', watchdog, async () => {
    const x = { name: 'x', shape: [1], datatype: 'FP32', data: [1] };
    const cases: readonly (readonly [unknown, RegExp, number?])[] = [
      [[], /must be a JSON object/],
      [{}, /"inputs" must be a list/],
      [{ inputs: [1] }, /inputs\[0\] must be an object/],
      [{ inputs: [{ ...x, name: '' }] }, /has no "name"/],
      [{ inputs: [{ ...x, shape: undefined }] }, /has no "shape"/],
      [{ inputs: [{ ...x, shape: [-1] }] }, /non-negative/],
      [{ inputs: [{ ...x, shape: [2] }] }, /needs 8 bytes/],
      [{ inputs: [{ ...x, datatype: 'FLOAT' }] }, /FLOAT.*is none of BOOL/],
      [{ inputs: [{ ...x, datatype: 'INT32' }] }, /expected float32/],
      [{ inputs: [{ ...x, data: ['a'] }] }, /no float32/],
      [{ inputs: [{ ...x, data: undefined }] }, /has no data/],
      [{ inputs: [x, x] }, /given twice/],
      [{ inputs: [{ ...x, name: 'z' }] }, /no input "z"/],
      [{ inputs: [] }, /needs input "x"/],
      [{ inputs: [x], outputs: [{ name: 'z' }] }, /no output "z"/],
      [{ inputs: [x], outputs: [{ name: 'y' }, { name: 'y' }] }, /given twice/],
      [{ inputs: [x], parameters: { triton_new: 1 } }, /reserved/],
      [{ inputs: [x], parameters: { timeout: -1 } }, /timeout/],
      [{ inputs: [x], parameters: { priority: 'a' } }, /priority/],
      [{ inputs: [x], parameters: { binary_data_output: 1 } }, /binary_data_output/],
      [{ inputs: [{ ...x, parameters: { binary_data_size: 4 } }] }, /"data" and a binary/],
      [
        { inputs: [{ ...x, data: undefined, parameters: { binary_data_size: 4 } }] },
        /0 bytes are left/,
      ],
      [
        {
          inputs: [
            {
              ...x,
              data: undefined,
              parameters: { shared_memory_region: 'in', shared_memory_byte_size: 4 },
            },
          ],
        },
        /switched off/,
        501,
      ],
    ];
    for (const [json, message, status = 400] of cases) {
      const reply = await infer('test/vector', json);
      assert.equal(reply.status, status, `${JSON.stringify(json)}: ${reply.bytes}`);
      assert.match(reply.json.error, message);
    }
    const { body } = withBinary({ inputs: [x] }, Float32Array.of(1));
    for (const length of ['-1', 'x', '1e3', String(body.length + 1)]) {
      const headers = { 'inference-header-content-length': length };
      const reply = await post('/v2/models/test/vector/infer', { body, headers });
      assert.equal(reply.status, 400, length);
      assert.match(reply.json.error, /Inference-Header-Content-Length/);
    }
    const extra = await post('/v2/models/test/vector/infer', {
      ...withBinary({ inputs: [x] }, Float32Array.of(1)),
    });
    assert.match(extra.json.error, /4 bytes at the end/);
  });
});
