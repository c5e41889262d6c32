// The program that gpu.ts runs: probes each vendor and prints its report as one line of JSON.
// A vendor's driver runs inside this process and may crash or hang it, so the ones that only read
// sysfs come first: what they found is out before a driver's library is loaded.
//
// Arguments: the root of sysfs, and NVML's path ("" for the defaults).

import { writeSync } from 'node:fs';
import { nativeBinding } from './binding.ts';
import { gpuVendors } from './gpu-types.ts';

const [root = '', nvmlPath = ''] = process.argv.slice(2);
for (const vendor of gpuVendors) {
  const report = nativeBinding().gpuProbe(vendor, vendor === 'nvidia' ? nvmlPath : root);
  // Synchronously: a line that is still in a buffer dies with the process.
  writeSync(1, `${JSON.stringify(report)}\n`);
}
