import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { MlosError } from '../../protocol/errors.ts';

/** What a door with TLS needs, as PEM. */
export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Clients must show a certificate that one of these signed; null: none is asked for. */
  readonly clientCa: Buffer | null;
}

function read(setting: string, path: string, check: (pem: Buffer) => unknown): Buffer {
  try {
    const pem = readFileSync(path);
    check(pem);
    return pem;
  } catch (cause) {
    throw new MlosError(
      'FAILED_PRECONDITION',
      `${setting} is ${path}, which cannot be used: ${cause instanceof Error ? cause.message : cause}.`,
      { cause },
    );
  }
}

/** Null where none is configured. `section` is that of the settings, such as `api.grpc.tls`. */
export function readTlsFiles(
  section: string,
  paths: { readonly cert: string; readonly key: string; readonly clientCa: string },
): TlsFiles | null {
  const { cert, key, clientCa } = paths;
  if (cert === '' && key === '' && clientCa === '') return null;
  if (cert === '' || key === '') {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `TLS needs ${section}.cert and ${section}.key, and one of them is not set.`,
    );
  }
  const isCertificate = (pem: Buffer) => new X509Certificate(pem);
  return {
    cert: read(`${section}.cert`, cert, isCertificate),
    key: read(`${section}.key`, key, createPrivateKey),
    clientCa: clientCa === '' ? null : read(`${section}.client_ca`, clientCa, isCertificate),
  };
}
