import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Manifest } from '../../protocol/manifest.ts';
import type { Result } from '../../protocol/method-table.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { hashFile } from '../download/fetch-file.ts';
import { Retryable, withRetries } from '../download/retry.ts';
import { type Installed, readManifestText } from '../store/catalog.ts';
import { signatureName } from '../store/layout.ts';
import { type Daemon, isRefusal } from './daemon.ts';

/*
 * begin says what the daemon lacks; put sends that, chunk by chunk; finish registers. Whatever breaks, the
 * next round begins again, and the daemon says where to go on: so an interruption costs one chunk, and
 * nothing is remembered here.
 */
type Begun = Result<'uploads.begin'>;
type Missing = Begun['missing'][number];

export interface UploadResult {
  readonly answer: Result<'uploads.finish'>;
  readonly sentBytes: number;
}

export async function uploadModel(
  installed: Installed,
  manifest: Manifest,
  options: { readonly load: boolean },
  daemon: Daemon,
  context: Context,
): Promise<UploadResult> {
  const upload = new Upload(installed, manifest, daemon, context);
  try {
    return await withRetries(context.download, (progressed) => upload.round(options, progressed));
  } catch (error) {
    throw lastError(error);
  }
}

/** Of tries that were used up: the daemon's own error, and how to go on. */
function lastError(error: unknown): unknown {
  const retryable = error instanceof AxonError ? error.cause : undefined;
  const cause = retryable instanceof Retryable ? retryable.cause : undefined;
  if (!(cause instanceof AxonError)) return error;
  return new AxonError(
    cause.code,
    `${cause.message} What arrived there is kept: the same command goes on.`,
    { cause, ...(cause.details === undefined ? {} : { details: cause.details }) },
  );
}

class Upload {
  readonly #installed: Installed;
  readonly #manifest: Manifest;
  readonly #daemon: Daemon;
  readonly #context: Context;
  #sent = 0;

  constructor(installed: Installed, manifest: Manifest, daemon: Daemon, context: Context) {
    this.#installed = installed;
    this.#manifest = manifest;
    this.#daemon = daemon;
    this.#context = context;
  }

  async round(options: { readonly load: boolean }, progressed: () => void): Promise<UploadResult> {
    try {
      const begun = await this.#daemon.call('uploads.begin', {
        model_id: formatModelId(this.#installed.id),
        manifest: readManifestText(this.#installed.dir),
        ...this.#signature(),
      });
      this.#context.output.progress.plan(begun.missing.map(({ size }) => size));
      for (const missing of begun.missing) await this.#send(begun, missing, progressed);
      const answer = await this.#daemon.call('uploads.finish', {
        upload_id: begun.upload_id,
        load: options.load,
      });
      return { answer, sentBytes: this.#sent };
    } catch (error) {
      if (!isPassing(error)) throw error;
      throw new Retryable(error.message, { cause: error });
    } finally {
      this.#context.output.progress.stop();
    }
  }

  #signature(): { signature?: string } {
    const file = path.join(this.#installed.dir, signatureName);
    return fs.existsSync(file) ? { signature: fs.readFileSync(file, 'utf8') } : {};
  }

  async #send(begun: Begun, missing: Missing, progressed: () => void): Promise<void> {
    const { files } = this.#manifest.spec.format;
    const name = files.find(({ sha256 }) => sha256 === missing.sha256)?.path ?? '';
    const full = path.join(this.#installed.dir, name);
    const bar = this.#context.output.progress.file(name, missing.size);
    const file = fs.openSync(full, 'r');
    let whole = false;
    try {
      bar.from(missing.received, missing.size);
      const buffer = Buffer.allocUnsafe(Math.min(begun.chunk_bytes, Math.max(1, missing.size)));
      let at = missing.received;
      while (at < missing.size) {
        this.#context.signal.throwIfAborted();
        const length = fs.readSync(file, buffer, 0, Math.min(buffer.length, missing.size - at), at);
        const data = buffer.subarray(0, length);
        const answer = await this.#daemon.call('uploads.put', {
          upload_id: begun.upload_id,
          sha256: missing.sha256,
          offset: at,
          chunk_sha256: createHash('sha256').update(data).digest('hex'),
          data,
        });
        if (answer.received <= at)
          throw new AxonError(
            'DAEMON_REFUSED',
            `The daemon at ${this.#daemon.endpoint} takes no byte of ${name} after ${at}. Its log may say why.`,
          );
        at = answer.received;
        this.#sent += length;
        bar.at(at);
        progressed();
      }
      whole = true;
    } catch (error) {
      if (isRefusal(error, 'DATA_CORRUPTED')) await this.#assertOwn(full, missing);
      throw error;
    } finally {
      bar.end(whole);
      fs.closeSync(file);
    }
  }

  /** What arrives damaged may be damaged here; then there is no use in sending it again. */
  async #assertOwn(full: string, { sha256, size }: Missing): Promise<void> {
    const own = await hashFile(full, null, this.#context.signal);
    if (own.sha256 === sha256) return;
    const id = formatModelId(this.#installed.id);
    throw new AxonError(
      'VERIFY_FAILED',
      `${full} is not as it was installed (${size} bytes, sha256 ${sha256}). \`axon verify ${id}\` says more, and what brings it again.`,
    );
  }
}

/** What may be gone in a moment: a daemon that restarts, a cut connection, a state that changed meanwhile. */
function isPassing(error: unknown): error is AxonError {
  if (!(error instanceof AxonError)) return false;
  if (error.code === 'DAEMON_UNREACHABLE') return true;
  const details = error.details?.['daemon_details'] as {
    begin?: boolean;
    received?: number;
  } | null;
  return (
    ['TOO_MANY_REQUESTS', 'DATA_CORRUPTED', 'SHUTTING_DOWN'].some((code) =>
      isRefusal(error, code),
    ) ||
    (isRefusal(error, 'FAILED_PRECONDITION') &&
      (details?.begin === true || details?.received !== undefined))
  );
}
