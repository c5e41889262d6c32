/** A slice of a GPU with memory and processors of its own (NVIDIA MIG). */
export interface GpuInstance {
  readonly uuid: string | null;
  readonly name: string | null;
  readonly memoryTotalBytes: number | null;
  readonly memoryFreeBytes: number | null;
}

/** A GPU at the moment of the probe; what its driver does not tell is null. */
export interface GpuDevice {
  /** The driver's own number. */
  readonly index: number;
  readonly name: string | null;
  readonly uuid: string | null;
  /** "0000:3b:00.0" */
  readonly pciBusId: string | null;
  readonly memoryTotalBytes: number | null;
  readonly memoryFreeBytes: number | null;
  readonly utilizationGpuPercent: number | null;
  readonly utilizationMemoryPercent: number | null;
  readonly temperatureCelsius: number | null;
  readonly migEnabled: boolean | null;
  readonly instances: readonly GpuInstance[];
}

export const gpuVendors = ['amd', 'intel', 'nvidia'] as const;
export type GpuVendor = (typeof gpuVendors)[number];

export interface GpuVendorReport {
  readonly vendor: GpuVendor;
  /** Why there is no device; null when there is one. */
  readonly reason: string | null;
  readonly driverVersion: string | null;
  /** "12.4"; NVIDIA only. */
  readonly cudaVersion: string | null;
  readonly devices: readonly GpuDevice[];
}

export interface GpuReport {
  /** One entry for each vendor, found or not. */
  readonly vendors: readonly GpuVendorReport[];
}
