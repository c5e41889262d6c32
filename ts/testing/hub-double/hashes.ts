import { createHash } from 'node:crypto';

export const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');
export const sri = (data: Buffer) => `sha512-${createHash('sha512').update(data).digest('base64')}`;
export const gitBlob = (data: Buffer) =>
  createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex');
export const commitOf = (text: string) => createHash('sha1').update(text).digest('hex');
