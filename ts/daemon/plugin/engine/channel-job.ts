import type { Clock } from '../clock.ts';
import { type InferenceRequest, type InferenceResult, inferSpec } from '../host-jobs.ts';
import { Job } from '../job.ts';
import type { PackedRequest } from './packed-request.ts';

/** One request for inference that travels through a channel. */
export class ChannelJob extends Job<InferenceResult> {
  readonly request: InferenceRequest;
  readonly packed: PackedRequest;
  /** Room that its answer needs at least, in bytes: a guess, then what was learned. */
  responseBytes: number;

  constructor(request: InferenceRequest, packed: PackedRequest, clock: Clock) {
    super(inferSpec(request, clock), clock);
    this.request = request;
    this.packed = packed;
    this.responseBytes = packed.responseBytes;
  }
}
