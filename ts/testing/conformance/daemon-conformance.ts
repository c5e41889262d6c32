import { type CaseModel, inferenceCases, serviceCases } from './cases.ts';
import { type DoorAddresses, doorDrivers } from './drivers.ts';
import { runHttpRequestCases } from './http-requests.ts';
import { runIpcFrameCases } from './ipc-frames.ts';
import { runCases } from './runner.ts';

export interface DaemonConformanceOptions extends DoorAddresses {
  /** A registered model, or null to run without inference. */
  readonly model: CaseModel | null;
  readonly maxBodyBytes: number;
}

/** Everything here against a running daemon: the doors together, then each on its own wire. */
export async function checkConformance(options: DaemonConformanceOptions): Promise<void> {
  const { httpPort, socketPath, model, maxBodyBytes } = options;
  const drivers = await doorDrivers(options);
  try {
    await runCases(drivers, serviceCases);
    if (model !== null) await runCases(drivers, inferenceCases(model));
  } finally {
    await Promise.all(drivers.map((driver) => driver.close()));
  }
  const ports = typeof httpPort === 'number' ? [httpPort] : Object.values(httpPort);
  for (const port of ports) await runHttpRequestCases(port, maxBodyBytes);
  await runIpcFrameCases(socketPath);
}
