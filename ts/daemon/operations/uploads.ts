import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Params, Result } from '../../protocol/method-table.ts';
import { KeyedQueue } from '../lifecycle/keyed-queue.ts';
import { canonicalModelId, type ModelRegistry } from '../registry/model-registry.ts';
import { assertSignedAs } from '../registry/signed-package.ts';
import type { TrustedKeys } from '../security/trusted-keys.ts';
import { clearUp } from '../upload/clear-up.ts';
import { Contents, writeError } from '../upload/contents.ts';
import { UploadFolders } from '../upload/folders.ts';
import { type Content, type Incoming, IncomingUploads, manifestFile } from '../upload/incoming.ts';
import { discard, layOut } from '../upload/packages.ts';
import type { Operation, Operations } from './operation.ts';

export interface UploadDeps {
  readonly registry: Pick<ModelRegistry, 'list'>;
  readonly dataFolder: string;
  readonly enabled: boolean;
  readonly maxBytes: number;
  /** Whose signature a package needs; null where it needs none. */
  readonly trusted: TrustedKeys | null;
  /** The largest body that every open door takes. */
  readonly maxBodyBytes: number;
  readonly register: Operation<'models.register'>;
}

type UploadOperations = Pick<
  Operations,
  'uploads.begin' | 'uploads.put' | 'uploads.finish' | 'uploads.list' | 'uploads.cancel'
>;

/** Begin, finish and cancel decide over all uploads together. */
const oneAtATime = 'uploads';

function remaining(contents: Contents, wanted: readonly Content[]): number {
  return wanted.reduce((sum, content) => sum + content.size - contents.received(content), 0);
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function dated(upload: Incoming): string {
  return new Date(upload.expiresAt).toISOString();
}

export function uploadOperations(deps: UploadDeps): UploadOperations {
  const folders = new UploadFolders(realpathSync(deps.dataFolder));
  const contents = new Contents(folders);
  const incoming = new IncomingUploads(folders);
  const queue = new KeyedQueue();
  const chunkBytes = Math.min(limits.uploadChunkBytes, deps.maxBodyBytes);

  function assertEnabled(): void {
    if (deps.enabled) return;
    throw new MlosError(
      'PERMISSION_DENIED',
      'This daemon takes no uploads (uploads.enabled is false). Put the package on its host and register the path.',
    );
  }

  /** Room for everything that is still to come, of this upload and of the others. */
  async function assertRoom(upload: Pick<Incoming, 'contents'>, others: readonly Incoming[]) {
    const wanted = new Map<string, Content>();
    for (const { contents: list } of [...others, upload]) {
      for (const content of list) wanted.set(content.sha256, content);
    }
    const needed = remaining(contents, [...wanted.values()]) + limits.uploadDiskReserveBytes;
    const { bavail, bsize } = await statfs(folders.blobs);
    if (needed <= bavail * bsize) return;
    throw new MlosError(
      'STORAGE_FULL',
      `The upload needs ${needed} bytes with what others are about to send; the daemon's disk has ${bavail * bsize}.`,
      { details: { needed, free: bavail * bsize } },
    );
  }

  /** Asked at registration again, but before gigabytes are sent for nothing. */
  function assertSigned(
    { modelId: id, manifest }: Pick<Incoming, 'modelId' | 'manifest'>,
    text: string,
    signature: string | null,
  ): void {
    const { trusted: keys } = deps;
    if (keys === null) return;
    assertSignedAs({ keys, id }, { manifest, text }, signature, `The manifest of ${id}`);
  }

  async function begin({
    model_id,
    manifest,
    signature,
  }: Params<'uploads.begin'>): Promise<Incoming> {
    const asked = await incoming.read(canonicalModelId(model_id), manifest);
    assertSigned(asked, manifest, signature ?? null);
    const bytes = asked.contents.reduce((sum, { size }) => sum + size, 0);
    if (bytes > deps.maxBytes) {
      throw new MlosError(
        'PAYLOAD_TOO_LARGE',
        `The model has ${bytes} bytes; this daemon takes at most ${deps.maxBytes} (uploads.max_bytes).`,
        { details: { limit: deps.maxBytes } },
      );
    }
    folders.make();
    const inUse = new Set(deps.registry.list().map((record) => record.path));
    await clearUp(folders, incoming, inUse, Date.now());
    const others = (await incoming.all()).filter(({ id }) => id !== asked.id);
    if (others.length >= limits.uploads) {
      throw new MlosError(
        'TOO_MANY_REQUESTS',
        `${others.length} uploads are unfinished, which is the limit. Finish or cancel one (uploads.list), or try again later.`,
      );
    }
    await assertRoom(asked, others);
    const upload = incoming.add(asked, manifest, signature);
    for (const content of asked.contents) {
      if (content.size === 0 && !contents.isHere(content)) await contents.addEmpty(content);
    }
    return upload;
  }

  async function put(params: Params<'uploads.put'>): Promise<Result<'uploads.put'>> {
    const { upload_id, sha256, offset, chunk_sha256, data } = params;
    if (!(data instanceof Uint8Array) || data.byteLength === 0 || data.byteLength > chunkBytes) {
      throw new MlosError(
        'INVALID_ARGUMENT',
        `uploads.put: data must be 1 to ${chunkBytes} bytes.`,
        { details: { chunk_bytes: chunkBytes } },
      );
    }
    const received = sha256Of(data);
    if (received !== chunk_sha256) {
      throw new MlosError(
        'DATA_CORRUPTED',
        `The chunk arrived with sha256 ${received}, not ${chunk_sha256}. It was dropped; send it again.`,
        { details: { expected: chunk_sha256, received } },
      );
    }
    const upload = await incoming.get(upload_id);
    const content = upload.contents.find((one) => one.sha256 === sha256);
    if (content === undefined || offset + data.byteLength > content.size) {
      throw new MlosError(
        'INVALID_ARGUMENT',
        content === undefined
          ? `uploads.put: the manifest of ${upload.modelId} lists no file with sha256 ${sha256}.`
          : `uploads.put: the chunk ends at ${offset + data.byteLength}, but the file has ${content.size} bytes.`,
      );
    }
    incoming.touch(upload_id);
    const now = await queue.run(sha256, () => contents.append(content, offset, data));
    const complete = now === content.size;
    return { status: 'success', upload_id, sha256, received: now, complete };
  }

  return {
    'uploads.begin': async (params) => {
      assertEnabled();
      const upload = await queue.run(oneAtATime, () => begin(params).catch(rethrow));
      const missing = upload.contents
        .filter((content) => !contents.isHere(content))
        .map((content) => ({ ...content, received: contents.received(content) }));
      return {
        status: 'success',
        upload_id: upload.id,
        chunk_bytes: chunkBytes,
        missing,
        missing_bytes: missing.reduce((sum, { size, received }) => sum + size - received, 0),
        expires_at: dated(upload),
      };
    },
    'uploads.put': put,
    'uploads.finish': ({ upload_id, ...options }, context) =>
      queue.run(upload_id, async () => {
        const upload = await incoming.get(upload_id);
        const folder = await queue.run(oneAtATime, async () => {
          try {
            return layOut(folders, contents, upload);
          } catch (error) {
            throw writeError(error);
          }
        });
        try {
          return await deps.register(
            {
              ...options,
              model_id: upload.modelId,
              path: folder,
              manifest_path: path.join(folder, manifestFile),
            },
            context,
          );
        } catch (error) {
          await dropDamaged(error, upload);
          throw error;
        } finally {
          incoming.remove(upload_id);
        }
      }),
    'uploads.list': async () => {
      const all = await incoming.all();
      const uploads = all.map((upload) => {
        const bytes = upload.contents.reduce((sum, { size }) => sum + size, 0);
        return {
          upload_id: upload.id,
          model_id: upload.modelId,
          bytes,
          received: bytes - remaining(contents, upload.contents),
          expires_at: dated(upload),
        };
      });
      return { status: 'success', uploads, total: uploads.length };
    },
    'uploads.cancel': ({ upload_id }) =>
      queue.run(oneAtATime, async () => {
        const upload = await incoming.get(upload_id);
        incoming.remove(upload_id);
        const others = await incoming.all();
        const kept = new Set(others.flatMap((one) => one.contents.map(({ sha256 }) => sha256)));
        for (const { sha256 } of upload.contents) {
          if (!kept.has(sha256)) await queue.run(sha256, async () => contents.dropPart(sha256));
        }
        return { status: 'success', upload_id, message: 'Upload cancelled' };
      }),
  };

  /** What rotted on the disk of the daemon is sent again by the next upload. */
  async function dropDamaged(error: unknown, upload: Incoming): Promise<void> {
    if (!(error instanceof MlosError) || error.code !== 'DATA_CORRUPTED') return;
    await contents.dropDamaged(upload.contents);
    discard(folders, upload.id);
  }
}

function rethrow(error: unknown): never {
  throw writeError(error);
}
