import { type ByteSource, Part } from '../bytes/byte-source.ts';
import { found, type Look, merged, type PickleFile } from './found.ts';
import { isPickleName } from './pickle-names.ts';

const blockBytes = 512;
const maxEntries = 10_000;

/** By its mark, or by its sum alone: what Python takes for a tar may be made to look like a pickle too. */
export function isTar(head: Buffer): boolean {
  if (head.length < blockBytes) return false;
  if (head.toString('latin1', 257, 262) === 'ustar') return true;
  const stated = octal(head, 148, 156);
  const sum = head
    .subarray(0, blockBytes)
    .reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return stated === sum;
}

function octal(block: Buffer, from: number, to: number): number {
  const text = block.toString('latin1', from, to).replace(/[\0 ]+$/, '');
  return Number.parseInt(text.trim(), 8);
}

/** What `torch.save` wrote before 0.1.10, as its members are called. */
const former = /^(\.\/)?(sys_info|pickle|tensors|storages)$/;
const notLookedInto = '(a tar archive, which is not looked into)';

/** Nothing reads tensors of a tar today, so one that is called a pickle is not harmless; in others are pickles. */
export function inspectTar(bytes: ByteSource, isNamedSo: boolean, look: Look): PickleFile | null {
  if (isNamedSo) return found('tar', [], [notLookedInto]);
  const members = membersOf(bytes);
  if (members.some(({ name }) => former.test(name))) return found('tar', [], [notLookedInto]);
  return merged(
    members.filter(({ name }) => isPickleName(name)).map(({ name, body }) => look(body, name)),
  );
}

/** As far as plain headers tell. */
function membersOf(bytes: ByteSource): { name: string; body: ByteSource }[] {
  const members: { name: string; body: ByteSource }[] = [];
  for (let at = 0; at + blockBytes <= bytes.size && members.length < maxEntries; ) {
    const head = Buffer.from(bytes.read(at, blockBytes));
    if (!isTar(head)) break;
    const size = octal(head, 124, 136);
    const start = at + blockBytes;
    if (!Number.isSafeInteger(size) || size < 0 || start + size > bytes.size) break;
    const name = head.toString('utf8', 0, 100).replace(/\0.*$/s, '');
    // Others are links, or headers for what follows.
    if (/[07\0]/.test(head.toString('latin1', 156, 157)))
      members.push({ name, body: new Part(bytes, start, size) });
    at = start + Math.ceil(size / blockBytes) * blockBytes;
  }
  return members;
}
