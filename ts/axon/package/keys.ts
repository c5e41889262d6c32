import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type PublicKey, readPublicKey } from '../../protocol/signature.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { readText } from '../store/read-text.ts';
import { writeNew } from '../store/sync.ts';

const maxKeyBytes = 16 * 1024;

/** Makes a pair of keys as two PEM files. Neither may be there: a key that is lost cannot be had again. */
export function makeKeys(privateFile: string, publicFile: string): PublicKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  for (const file of [privateFile, publicFile])
    if (fs.existsSync(file))
      throw new AxonError('ALREADY_EXISTS', `${file} is there already. Name another with -o.`);
  const text = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeNew(privateFile, text, 0o600);
  try {
    writeNew(publicFile, pem);
  } catch (error) {
    fs.rmSync(privateFile, { force: true }); // Half a pair would only be in the way.
    throw error;
  }
  return loadPublicKey(publicFile);
}

export function loadPrivateKey(file: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(readText(file, maxKeyBytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw AxonError.from(error);
    throw noKey(file, 'private', error);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw noKey(file, 'private');
  return key;
}

export function loadPublicKey(file: string): PublicKey {
  const key = readPublicKey(readText(file, maxKeyBytes));
  if (key === null) throw noKey(file, 'public');
  return key;
}

/** Those that the settings name. A file that is no key is an error: trust is not a matter of luck. */
export function trustedKeys({ settings, cwd }: Pick<Context, 'settings' | 'cwd'>): PublicKey[] {
  return loadKeys(settings.text('security.trusted_keys'), cwd);
}

/** The files of such a setting, a comma between them. */
export function loadKeys(text: string, cwd: string): PublicKey[] {
  const files = text.split(',').map((file) => file.trim());
  return files
    .filter((file) => file !== '')
    .map((file) => {
      try {
        return loadPublicKey(path.resolve(cwd, file));
      } catch (error) {
        const { message } = AxonError.from(error);
        throw new AxonError('USAGE', `The setting security.trusted_keys: ${message}`, {
          cause: error,
        });
      }
    });
}

function noKey(file: string, kind: 'private' | 'public', cause?: unknown): AxonError {
  return new AxonError(
    'USAGE',
    `${file} is no ${kind} ed25519 key in PEM. \`axon keygen\` makes a pair.`,
    { cause },
  );
}
