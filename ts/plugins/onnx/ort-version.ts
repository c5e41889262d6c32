import { env } from 'onnxruntime-node';

/** The version of the runtime that is really loaded. */
export function ortVersion(): string {
  return env.versions.node ?? env.versions.common;
}
