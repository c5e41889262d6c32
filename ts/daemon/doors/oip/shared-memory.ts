import { MlosError } from '../../../protocol/errors.ts';
import type { OipParameters } from './types.ts';

/** Where an input lies or an output goes, as its parameters say. */
export interface SharedMemoryPlace {
  readonly region: string;
  readonly offset: number;
  readonly byteSize: number;
}

export interface SystemRegion {
  readonly name: string;
  readonly key: string;
  readonly offset: number;
  readonly byteSize: number;
}

/** The extension `system_shared_memory`: regions that clients have registered by name. */
export interface SharedMemory {
  readonly enabled: boolean;
  /** Of one region, or of all (empty name). Errors: INVALID_ARGUMENT for a name that is none. */
  status(name: string): readonly SystemRegion[];
  register(region: SystemRegion): void;
  /** One region, or all (empty name). None there: nothing to do. */
  unregister(name: string): void;
  /** A copy of the bytes there. */
  read(place: SharedMemoryPlace): Uint8Array;
  /** Keeps the place usable until it is released, whatever is unregistered meanwhile. */
  hold(place: SharedMemoryPlace): HeldPlace;
  close(): void;
}

/** Where an output will go. */
export interface HeldPlace {
  /** Errors: INVALID_ARGUMENT where the bytes do not fit, or the memory was truncated. */
  write(bytes: Uint8Array): void;
  /** Once. */
  release(): void;
}

function refused(): MlosError {
  return new MlosError(
    'UNIMPLEMENTED',
    'Shared memory of outside clients is switched off here (api.oip.shared_memory). Send the tensors as binary data, or attach to the model (docs/client.md).',
  );
}

/** None, and it says so. Asking for the state and letting go of everything always works. */
export const noSharedMemory: SharedMemory = {
  enabled: false,
  status: () => [],
  register: () => {
    throw refused();
  },
  unregister: () => undefined,
  read: () => {
    throw refused();
  },
  hold: () => {
    throw refused();
  },
  close: () => undefined,
};

/** Null where the parameters name no region. Errors: INVALID_ARGUMENT. */
export function placeOf(parameters: OipParameters): SharedMemoryPlace | null {
  const region = parameters.get('shared_memory_region');
  if (region === undefined) return null;
  const byteSize = Number(parameters.get('shared_memory_byte_size') ?? Number.NaN);
  const offset = Number(parameters.get('shared_memory_offset') ?? 0);
  const fits = [byteSize, offset].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (typeof region !== 'string' || region === '' || !fits) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      'shared_memory_region must be the name of a region, with shared_memory_byte_size and shared_memory_offset as whole numbers.',
    );
  }
  return { region, offset, byteSize };
}
