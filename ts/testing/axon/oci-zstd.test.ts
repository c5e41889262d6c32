import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as zlib from 'node:zlib';
import { readsZstd } from '../../axon/package/decompressor.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { makeTar } from '../hub-double/tarball.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeHome } from './run-axon.ts';

/** There from Node 22.15 on; the smoke test on the newest Node runs this file. */
const { zstdCompressSync } = zlib as typeof zlib & {
  readonly zstdCompressSync?: (data: Buffer) => Buffer;
};
const compress = (data: Buffer) => zstdCompressSync?.(data) ?? Buffer.from('not made here');

const onnx = tinyOnnx();
let double: HubDouble;
before(async () => {
  const packed = compress(await makeTar([{ name: 'net/model.onnx', data: onnx }]));
  const dots = await makeTar([{ name: 'a/../../model.onnx', data: onnx }]);
  const zeros = await makeTar([{ name: 'model.onnx', data: Buffer.alloc(300 * 1024 * 1024) }]);
  const layers: Readonly<Record<string, Buffer>> = {
    net: packed,
    dots: compress(dots),
    bomb: compress(zeros),
    cut: packed.subarray(0, -9),
    behind: Buffer.concat([packed, Buffer.from('and more')]),
  };
  double = await startHubDouble({
    artifacts: Object.entries(layers).map(([name, data]) => ({
      repository: `zstd/${name}`,
      tag: 'v1',
      layers: [{ mediaType: 'application/vnd.cncf.model.weight.v1.tar+zstd', data }],
    })),
  });
});
after(() => double.close());

/** Exit codes. */
const expected = readsZstd
  ? ({ net: 0, dots: 11, bomb: 11, cut: 12, behind: 11 } as const)
  : ({ net: 12 } as const);

for (const [name, exit] of Object.entries(expected))
  test(`a zstd layer, ${name}: exit code ${exit}`, async (t) => {
    const home = makeHome(t, double);
    const start = double.seen.length;
    const spec = `oci/${new URL(double.oci).host}/zstd/${name}@v1`;
    const ended = await home.axon('install', spec, '--json');
    assert.equal(ended.status, exit, ended.stdout);
    assert.equal(home.installed().length, exit === 0 ? 1 : 0);
    if (readsZstd) return;
    assert.match(ended.stdout, /Node 22\.15/);
    assert.ok(!double.seen.slice(start).some(({ on }) => on === 'cdn'), 'nothing was fetched');
  });
