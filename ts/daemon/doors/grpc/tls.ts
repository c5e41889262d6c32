import { ServerCredentials } from '@grpc/grpc-js';
import type { TlsFiles } from '../tls-files.ts';

export function secureContext({ cert, key, clientCa }: TlsFiles): ServerCredentials {
  return ServerCredentials.createSsl(
    clientCa,
    [{ cert_chain: cert, private_key: key }],
    clientCa !== null,
  );
}
