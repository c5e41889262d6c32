import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

/** From `dist/daemon/doors/grpc/` as from `ts/daemon/doors/grpc/`. */
export const protoFolder = fileURLToPath(new URL('../../../../proto', import.meta.url));

/** The files that this door serves, below `proto/`. */
export const protoFiles = [
  'mlos/v1/health.proto',
  'mlos/v1/plugins.proto',
  'mlos/v1/models.proto',
  'mlos/v1/inference.proto',
  'grpc/health/v1/health.proto',
  'inference.proto',
] as const;

/** Reads the very files that clients compile. Field names are kept as they are written. */
export function loadProtos(files: readonly string[] = protoFiles): protobuf.Root {
  const root = new protobuf.Root();
  const found = root.resolvePath;
  // What protobufjs brings itself (google/protobuf/…) is known by its name and has no file here.
  root.resolvePath = (origin, target) =>
    target.startsWith('google/') ? found.call(root, origin, target) : join(protoFolder, target);
  root.loadSync([...files], { keepCase: true });
  root.resolveAll();
  return root;
}
