import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GpuProbeOptions, type GpuVendor, probeGpus } from './gpu.ts';

/** Builds the stand-in for NVIDIA's library, if that has not been done yet. */
async function fakeNvml(): Promise<string> {
  const script = new URL('../../scripts/native-test.mjs', import.meta.url).href;
  const { buildFakeNvml } = (await import(script)) as { buildFakeNvml(): Promise<string> };
  return buildFakeNvml();
}

const nvmlPath = await fakeNvml();

/** Probes with variables that steer the stand-in, and picks one vendor's report. */
async function probeVendor(
  vendor: GpuVendor,
  steer: Record<string, string>,
  options: GpuProbeOptions = {},
) {
  Object.assign(process.env, steer);
  try {
    const { vendors } = await probeGpus({ nvmlPath, root: '/nonexistent', ...options });
    assert.deepEqual(
      vendors.map((report) => report.vendor),
      ['amd', 'intel', 'nvidia'],
    );
    const report = vendors.find((candidate) => candidate.vendor === vendor);
    assert.ok(report !== undefined);
    return report;
  } finally {
    for (const name of Object.keys(steer)) delete process.env[name];
  }
}

test('GPUs and their instances come through', async () => {
  const steer = { MLOS_FAKE_NVML_DEVICES: '2', MLOS_FAKE_NVML_MIG: '1' };
  const { reason, driverVersion, cudaVersion, devices } = await probeVendor('nvidia', steer);
  assert.deepEqual([reason, driverVersion, cudaVersion], [null, '550.54.14', '12.4']);
  assert.equal(devices.length, 2);
  assert.equal(devices[0]?.instances.length, 2);
  assert.equal(devices[0]?.utilizationGpuPercent, null);
  assert.deepEqual(devices[1], {
    index: 1,
    name: 'Fake GPU',
    uuid: 'GPU-1',
    pciBusId: '0000:3c:00.0',
    memoryTotalBytes: 80 * 2 ** 30,
    memoryFreeBytes: 40 * 2 ** 30,
    utilizationGpuPercent: 37,
    utilizationMemoryPercent: 12,
    temperatureCelsius: 54,
    migEnabled: false,
    instances: [],
  });
});

test('a driver that crashes costs its own entry and nothing else', async () => {
  const steer = { MLOS_FAKE_NVML_CRASH: '1' };
  const nvidia = await probeVendor('nvidia', steer);
  assert.equal(nvidia.reason, 'the probe was killed by SIGSEGV');
  assert.deepEqual(nvidia.devices, []);
  assert.match((await probeVendor('amd', steer)).reason ?? '', /no card/);
});

test('a driver that hangs is given up', async () => {
  const steer = { MLOS_FAKE_NVML_HANG: '1' };
  const nvidia = await probeVendor('nvidia', steer, { timeoutMs: 1500 });
  assert.equal(nvidia.reason, 'the probe did not end within 1500 ms');
});

test("a driver's error is the reason", async () => {
  const nvidia = await probeVendor('nvidia', { MLOS_FAKE_NVML_ERROR: '9' });
  assert.equal(nvidia.reason, 'nvmlInit failed with 9 (Driver Not Loaded)');
});

test('a host without a driver has a reason for each vendor', async () => {
  const { vendors } = await probeGpus({ nvmlPath: '/nonexistent.so', root: '/nonexistent' });
  for (const report of vendors) {
    assert.equal(typeof report.reason, 'string');
    assert.deepEqual(report.devices, []);
  }
});
