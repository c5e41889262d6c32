import type { CpuTopology } from '../../native/cpu.ts';
import type { GpuReport } from '../../native/gpu.ts';
import { readDevices } from '../resource/devices.ts';
import type { CommonOptions } from './options.ts';
import { print, printJson } from './report.ts';
import { bytes, table } from './table.ts';

function percent(value: number | null): string {
  return value === null ? '–' : `${value} %`;
}

function showCpu(cpu: CpuTopology): void {
  const cores = new Set(cpu.cpus.map((one) => `${one.packageId}:${one.coreId}`)).size;
  print(`CPU     ${cpu.modelName ?? 'model unknown'}`);
  print(
    `        ${cpu.online.length} logical CPUs on ${cores} cores, ${cpu.numaNodes.length} NUMA node(s)\n`,
  );
  print(
    table(
      ['CPU', 'PACKAGE', 'CORE', 'NUMA', 'SHARES ITS CORE WITH'],
      cpu.cpus.map((one) => [
        String(one.id),
        String(one.packageId ?? '–'),
        String(one.coreId ?? '–'),
        String(one.numaNode ?? '–'),
        one.threadSiblings.filter((id) => id !== one.id).join(' ') || '–',
      ]),
    ),
  );
  if (cpu.numaNodes.length > 0) {
    print('');
    print(
      table(
        ['NUMA NODE', 'CPUS', 'MEMORY', 'FREE'],
        cpu.numaNodes.map((node) => [
          String(node.id),
          node.cpus.join(' '),
          bytes(node.memoryTotalBytes),
          bytes(node.memoryFreeBytes),
        ]),
      ),
    );
  }
  if (cpu.caches.length > 0) {
    print('');
    print(
      table(
        ['CACHE', 'TYPE', 'SIZE', 'CPUS'],
        cpu.caches.map((cache) => [
          `L${cache.level}`,
          cache.type,
          bytes(cache.sizeBytes),
          cache.sharedCpus.join(' '),
        ]),
      ),
    );
  }
}

function showGpus({ vendors }: GpuReport): void {
  const rows = vendors.flatMap(({ vendor, devices }) =>
    devices.flatMap((gpu) => [
      [
        `${vendor} ${gpu.index}`,
        gpu.name ?? '–',
        gpu.uuid ?? '–',
        gpu.pciBusId ?? '–',
        bytes(gpu.memoryTotalBytes),
        bytes(gpu.memoryFreeBytes),
        percent(gpu.utilizationGpuPercent),
        gpu.temperatureCelsius === null ? '–' : `${gpu.temperatureCelsius} °C`,
      ],
      ...gpu.instances.map((part) => [
        '  MIG',
        part.name ?? '–',
        part.uuid ?? '–',
        '',
        bytes(part.memoryTotalBytes),
        bytes(part.memoryFreeBytes),
        '',
        '',
      ]),
    ]),
  );
  if (rows.length > 0) {
    print(table(['GPU', 'NAME', 'UUID', 'PCI', 'MEMORY', 'FREE', 'BUSY', 'TEMPERATURE'], rows));
  }
  for (const { vendor, reason, driverVersion, cudaVersion } of vendors) {
    if (reason !== null) print(`GPU     ${vendor}: none (${reason})`);
    else if (driverVersion !== null) {
      print(
        `        ${vendor} driver ${driverVersion}${cudaVersion === null ? '' : `, CUDA ${cudaVersion}`}`,
      );
    }
  }
}

/** CPUs, memory and GPUs of this host. Needs no daemon. */
export async function devices(
  options: CommonOptions & { readonly json?: boolean },
): Promise<number> {
  const found = await readDevices();
  if (options.json === true) {
    printJson(found);
    return 0;
  }
  showCpu(found.cpu as CpuTopology);
  const { total_bytes, available_bytes } = found.memory;
  print(`\nMEMORY  ${bytes(total_bytes)}, ${bytes(available_bytes)} available\n`);
  showGpus(found.gpus as GpuReport);
  return 0;
}
