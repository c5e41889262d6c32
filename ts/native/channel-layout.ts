import { type Priority, priorities } from '../protocol/priority.ts';
import { nativeBinding } from './binding.ts';

export { type Priority, priorities } from '../protocol/priority.ts';

export function isPriority(value: unknown): value is Priority {
  return priorities.includes(value as Priority);
}

/** Offsets in bytes of the fields of one structure in shared memory, by name. */
type Fields<Name extends string> = Readonly<Record<Name | 'byteLength', number>>;

/** The sizes and bounds of channels and engines. Bytes where the name says so, else counts. */
export interface ChannelBounds {
  readonly version: number;
  readonly ringEntries: number;
  /** Requests of one channel that may be unanswered at once. */
  readonly slots: number;
  /** Answers of one channel that may be unreleased at once. */
  readonly maxHeldResults: number;
  readonly maxTensors: number;
  readonly maxRank: number;
  readonly blockAlignment: number;
  readonly maxErrorBytes: number;
  readonly minArenaBytes: number;
  readonly maxArenaBytes: number;
  readonly maxModels: number;
  readonly maxWorkers: number;
  readonly timeBuckets: number;
  readonly batchBuckets: number;
  readonly requestDescriptorBytes: number;
  readonly sequenceDescriptorBytes: number;
  readonly maxSequenceIdBytes: number;
  readonly resultDescriptorBytes: number;
  readonly tensorDescriptorBytes: number;
  /** Where the arenas begin in their regions. */
  readonly requestArenaOffset: number;
  readonly responseArenaOffset: number;
}

/** The numbers of native/src/shm/layout.h, as the addon was compiled with them. */
export interface ChannelLayout {
  readonly magic: bigint;
  readonly bounds: ChannelBounds;
  /** StatusCode by name; see status-code.ts. */
  readonly status: Readonly<Record<string, number>>;
  readonly priorities: Readonly<Record<Priority, number>>;
  readonly sequenceFlags: Readonly<Record<'start' | 'end', number>>;
  readonly batchVerdicts: Readonly<Record<string, number>>;
  readonly controlKinds: Readonly<Record<string, number>>;
  readonly controlMessage: Fields<
    | 'replyBit'
    | 'sharesSequences'
    | 'kind'
    | 'sequence'
    | 'channelId'
    | 'argument'
    | 'argument2'
    | 'status'
    | 'textLength'
    | 'text'
    | 'textBytes'
  >;
  readonly regionHeader: Readonly<
    Record<'magic' | 'version' | 'kind' | 'regionBytes' | 'statsKind', number>
  >;
  readonly statsPage: Fields<'startedNs' | 'models'>;
  readonly modelStats: Fields<
    | 'handle'
    | 'priority'
    | 'workerCount'
    | 'intraOpThreads'
    | 'batchLimit'
    | 'batchVerdict'
    | 'channels'
    | 'queued'
    | 'sequences'
    | 'partOf'
    | 'requests'
    | 'succeeded'
    | 'failed'
    | 'cancelled'
    | 'expired'
    | 'rejected'
    | 'batches'
    | 'inputBytes'
    | 'outputBytes'
    | 'queueNs'
    | 'runNs'
    | 'stateBytes'
    | 'queueTimes'
    | 'runTimes'
    | 'batchSizes'
    | 'workers'
  >;
  /** What channel-mailbox.ts says once more, for speed; a test compares them. */
  readonly mailbox: Readonly<Record<string, number>>;
  readonly callFaults: Readonly<Record<string, number>>;
  readonly workerStats: Fields<'threadId' | 'cpu' | 'runStartedNs' | 'terminateAskedNs'>;
}

let layout: ChannelLayout | undefined;

/** The layout of everything shared, asked of the addon once. There is no copy of it in TypeScript. */
export function channelLayout(): ChannelLayout {
  layout ??= nativeBinding().channelLayout();
  return layout;
}
