import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  fitsCarriedKey,
  parseSignature,
  readPublicKey,
  requireSigned,
  signatureText,
} from './signature.ts';

const pair = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  const key = readPublicKey(pem);
  assert.ok(key);
  return { privateKey, pem, key };
};
const [mine, other] = [pair(), pair()];
const text = 'apiVersion: axon.mlos.io/v1\n';
const signed = signatureText(text, mine.privateKey);

test('what was signed is accepted by its key only, and only as it was', () => {
  assert.equal(signatureText(text, mine.privateKey), signed);
  assert.equal(requireSigned(text, signed, [other.key, mine.key], 'it').id, mine.key.id);
  const refused = (
    yaml: string,
    signature: string | null,
    keys: (typeof mine.key)[],
    says: RegExp,
  ) =>
    assert.throws(() => requireSigned(yaml, signature, keys, 'it'), {
      code: 'SIGNATURE_INVALID',
      message: says,
    });
  refused(`${text} `, signed, [mine.key], /not the one/);
  refused(text, signed, [other.key], /not among the trusted/);
  refused(text, signed, [], /none/);
  refused(text, null, [mine.key], /not signed/);
  // Somebody else's signature under the trusted key's name.
  const forged = signatureText(text, other.privateKey).replace(other.key.id, mine.key.id);
  refused(text, forged, [mine.key], /not the one/);
  for (const wrong of [
    '',
    'null',
    '[]',
    '{}',
    signed.replace('ed25519', 'rsa'),
    signed.slice(0, -9),
  ])
    refused(text, wrong, [mine.key], /signature of it is/);
});

test('a signature shows a change by the key that it carries, if it carries one', () => {
  const refused = (yaml: string, signature: string, says: RegExp) =>
    assert.throws(() => fitsCarriedKey(yaml, signature, 'it'), {
      code: 'SIGNATURE_INVALID',
      message: says,
    });
  assert.equal(fitsCarriedKey(text, signed, 'it'), true);
  refused(`${text} `, signed, /not the one/);
  refused(text, signed.replace(mine.key.id, other.key.id), /carries another/);
  const { public_key: carried = '', ...rest } = parseSignature(signed, 'it');
  refused(text, signed.replace(carried, `${'A'.repeat(59)}=`), /carries another/);
  refused(text, signed.replace(carried, 'none'), /no ed25519 signature/);
  // As earlier versions signed.
  assert.equal(fitsCarriedKey(`${text} `, JSON.stringify(rest), 'it'), false);
  assert.equal(requireSigned(text, JSON.stringify(rest), [mine.key], 'it').id, mine.key.id);
});

test('only ed25519 keys are keys', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  assert.equal(readPublicKey(String(publicKey.export({ type: 'spki', format: 'pem' }))), null);
  assert.equal(readPublicKey('no key'), null);
});

test('openssl checks the same signature', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'mlos-signature-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = (name: string, data: string | Buffer) => {
    writeFileSync(join(dir, name), data);
    return join(dir, name);
  };
  const bytes = Buffer.from(parseSignature(signed, 'it').signature, 'base64');
  const key = file('key.pem', mine.pem);
  const argv = [
    'pkeyutl',
    '-verify',
    '-pubin',
    '-inkey',
    key,
    '-rawin',
    '-sigfile',
    file('s', bytes),
  ];
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
  } catch {
    return t.skip('openssl is not installed');
  }
  execFileSync('openssl', [...argv, '-in', file('m', text)]);
  assert.throws(() =>
    execFileSync('openssl', [...argv, '-in', file('m', 'x')], { stdio: 'ignore' }),
  );
});
