import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { ChannelBinding } from './channel-binding.ts';
import type { ChannelLayout } from './channel-layout.ts';
import type { CpuTopology, SchedulingPolicy } from './cpu-types.ts';
import type { EngineBinding } from './engine-binding.ts';
import type { GpuVendorReport } from './gpu-types.ts';
import { NativeError } from './native-error.ts';

declare const handleKind: unique symbol;
/** An opaque native object; the addon checks its kind at each call. */
export interface NativeHandle<Kind extends string> {
  readonly [handleKind]: Kind;
}
export type RegionHandle = NativeHandle<'region'>;
export type PidFdHandle = NativeHandle<'pidfd'>;
export type FileLockHandle = NativeHandle<'file-lock'>;

/** The addon's exports, typed once. Only this folder calls them; each throws coded errors. */
export interface NativeBinding extends ChannelBinding, EngineBinding {
  regionCreate(byteLength: number, label: string, populate: boolean): RegionHandle;
  regionAdopt(fd: number, maxBytes: number, writable: boolean): RegionHandle;
  regionFd(region: RegionHandle): number;
  regionByteLength(region: RegionHandle): number;
  regionBuffer(region: RegionHandle): ArrayBuffer;
  regionSeal(region: RegionHandle, all: boolean): void;
  regionClose(region: RegionHandle): void;
  memfdCheck(fd: number, maxBytes: number): number;

  channelLayout(): ChannelLayout;

  descriptorsSend(socket: number, bytes: Uint8Array, fds: readonly number[]): number;
  descriptorsReceive(
    socket: number,
    maxBytes: number,
    maxFds: number,
  ): { bytes: Uint8Array; fds: number[] } | null;
  socketPair(seqPacket: boolean): [number, number];
  socketConnect(path: string): number;
  peerGone(socket: number): boolean;
  peerCredentials(socket: number): { pid: number | null; uid: number; gid: number };

  pidfdOpen(pid: number): PidFdHandle;
  pidfdSignal(pidfd: PidFdHandle, signal: number): void;
  pidfdHasExited(pidfd: PidFdHandle): boolean;
  pidfdClose(pidfd: PidFdHandle): void;
  parentDeathSignal(signal: number, parentPid: number | null): void;
  fileLockAcquire(path: string): FileLockHandle;
  fileLockRelease(lock: FileLockHandle): void;

  watchReadable(fd: number, callback: () => void, keepAlive: boolean): number;
  watchPidFd(pidfd: PidFdHandle, callback: () => void, keepAlive: boolean): number;
  watchCancel(watch: number): void;

  cpuTopology(root: string): CpuTopology;
  affinityRead(isThread: boolean, id: number): number[];
  affinityWrite(isThread: boolean, id: number, cpus: readonly number[]): void;
  schedulingRead(
    isThread: boolean,
    id: number,
  ): { policy: SchedulingPolicy; priority: number } | null;
  schedulingWrite(isThread: boolean, id: number, policy: string, priority: number): void;
  niceRead(isThread: boolean, id: number): number;
  niceWrite(isThread: boolean, id: number, nice: number): void;
  currentThreadId(): number;

  gpuProbe(vendor: string, where: string): GpuVendorReport;
}

// A record, so that the compiler demands every name of the interface and no other.
const names: Record<keyof NativeBinding, true> = {
  regionCreate: true,
  regionAdopt: true,
  regionFd: true,
  regionByteLength: true,
  regionBuffer: true,
  regionSeal: true,
  regionClose: true,
  memfdCheck: true,
  channelLayout: true,
  channelFilesCreate: true,
  channelOpen: true,
  channelRequestBuffer: true,
  channelResponseBuffer: true,
  channelPrepare: true,
  channelFree: true,
  channelSetSequence: true,
  channelMessage: true,
  channelFlush: true,
  channelListen: true,
  channelStopListening: true,
  channelCancel: true,
  channelCheckPeer: true,
  channelState: true,
  channelCloseCode: true,
  channelWasBegun: true,
  channelInFlight: true,
  channelClose: true,
  descriptorsSend: true,
  descriptorsReceive: true,
  engineStart: true,
  engineAddOnnx: true,
  engineAddCallback: true,
  engineAddPipeline: true,
  engineAddShared: true,
  engineSettle: true,
  engineReject: true,
  engineRemove: true,
  engineOpenChannel: true,
  engineActivateChannel: true,
  engineClose: true,
  socketPair: true,
  socketConnect: true,
  peerGone: true,
  peerCredentials: true,
  pidfdOpen: true,
  pidfdSignal: true,
  pidfdHasExited: true,
  pidfdClose: true,
  parentDeathSignal: true,
  fileLockAcquire: true,
  fileLockRelease: true,
  watchReadable: true,
  watchPidFd: true,
  watchCancel: true,
  cpuTopology: true,
  affinityRead: true,
  affinityWrite: true,
  schedulingRead: true,
  schedulingWrite: true,
  niceRead: true,
  niceWrite: true,
  currentThreadId: true,
  gpuProbe: true,
};

/** The names that the addon must export. */
export const bindingNames: readonly string[] = Object.keys(names);

/** Where the addon lies: this file, built or not, is two folders below the package's root. */
export const addonFile = fileURLToPath(new URL('../../build/Release/mlos.node', import.meta.url));

/**
 * Loads an addon file.
 * @throws NativeError `NATIVE_UNAVAILABLE`, which names the platform, the file and the remedy.
 */
export function loadBinding(file: string): NativeBinding {
  const unavailable = (reason: string, cause?: unknown) =>
    new NativeError(
      'NATIVE_UNAVAILABLE',
      `The native addon for ${process.platform}-${process.arch} cannot be used: ${reason} ` +
        `(tried ${file}). Build it with: npm run build:native`,
      { cause },
    );
  let loaded: Record<string, unknown>;
  try {
    loaded = createRequire(import.meta.url)(file) as Record<string, unknown>;
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND';
    throw unavailable(missing ? 'the file is missing' : String((cause as Error).message), cause);
  }
  const absent = bindingNames.filter((name) => typeof loaded[name] !== 'function');
  if (absent.length > 0) throw unavailable(`it is out of date and lacks ${absent.join(', ')}`);
  return loaded as unknown as NativeBinding;
}

let binding: NativeBinding | undefined;

/** The addon, loaded at the first call: who never needs it can run without it. */
export function nativeBinding(): NativeBinding {
  binding ??= loadBinding(addonFile);
  return binding;
}
