import { Type } from 'typebox';
import { limits } from '../limits.ts';
import { EngineOptions } from './engine-options.ts';
import type { MethodDeclaration } from './method.ts';
import { IsolationParam, RegisterResult, registerErrors } from './models.ts';
import { Count, ModelIdParam, PluginIdParam, Status } from './shared-schemas.ts';

/*
 * A model comes to a daemon that does not share a file system with its client: `begin` with the manifest,
 * which lists every file with its sha256; `put` for what the daemon does not have, chunk by chunk;
 * `finish`. Everything may be repeated. What arrived stays over a restart: after any interruption begin
 * again with the same manifest, and the answer says where to go on.
 */
const UploadId = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'As uploads.begin answered it.',
});
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'In lower-case hex.' });

const uploadErrors = ['FAILED_PRECONDITION', 'PERMISSION_DENIED', 'STORAGE_FULL'] as const;

export const uploadMethods = [
  {
    name: 'uploads.begin',
    summary: 'Says which files of a package are not here yet, and takes them from now on.',
    params: Type.Object(
      {
        model_id: ModelIdParam,
        manifest: Type.String({
          maxLength: limits.manifestBytes,
          description: 'The text of manifest.yaml.',
        }),
        signature: Type.Optional(
          Type.String({
            maxLength: limits.signatureBytes,
            description: 'The text of manifest.yaml.sig, where the package is signed.',
          }),
        ),
      },
      { additionalProperties: false },
    ),
    result: Type.Object({
      status: Status,
      upload_id: UploadId,
      chunk_bytes: Type.Integer({ minimum: 1, description: 'The most that one chunk may have.' }),
      missing: Type.Array(
        Type.Object({
          sha256: Sha256,
          size: Count,
          received: Type.Integer({ minimum: 0, description: 'The next byte that is wanted.' }),
        }),
        { description: 'By content: a file that is here under any name is not asked for.' },
      ),
      missing_bytes: Count,
      expires_at: Type.String({ description: 'RFC 3339; every chunk puts it off.' }),
    }),
    errors: ['INVALID_MODEL_ID', 'INVALID_MANIFEST', 'SIGNATURE_INVALID', ...uploadErrors],
    http: { verb: 'POST', path: '/uploads' },
    grpc: { service: 'ModelService', rpc: 'BeginUpload' },
  },
  {
    name: 'uploads.put',
    summary: 'Takes one chunk of a file, at the byte that is wanted next. May be repeated.',
    params: Type.Object(
      {
        upload_id: UploadId,
        sha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of the whole file.' }),
        offset: Count,
        chunk_sha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of this chunk.' }),
        data: Type.Unsafe<Uint8Array>({
          description: 'The bytes: over HTTP the body itself, on the IPC socket a bin.',
        }),
      },
      { additionalProperties: false },
    ),
    result: Type.Object({
      status: Status,
      upload_id: UploadId,
      sha256: Sha256,
      received: Count,
      complete: Type.Boolean({ description: 'The whole file is here and has this sha256.' }),
    }),
    errors: ['DATA_CORRUPTED', ...uploadErrors],
    http: { verb: 'POST', path: '/uploads/{upload_id}/chunk', bytes: 'data' },
    grpc: { service: 'ModelService', rpc: 'PutUpload' },
  },
  {
    name: 'uploads.finish',
    summary: 'Makes the package visible as a whole, and registers the model from it.',
    params: Type.Object(
      {
        upload_id: UploadId,
        plugin_id: Type.Optional(PluginIdParam),
        isolation: Type.Optional(IsolationParam),
        engine: Type.Optional(EngineOptions),
        load: Type.Optional(Type.Boolean({ description: 'As of models.register.' })),
      },
      { additionalProperties: false },
    ),
    result: RegisterResult,
    errors: [...registerErrors, 'FAILED_PRECONDITION'],
    http: { verb: 'POST', path: '/uploads/{upload_id}/finish' },
    grpc: { service: 'ModelService', rpc: 'FinishUpload' },
  },
  {
    name: 'uploads.list',
    summary: 'The uploads that are not finished.',
    params: Type.Object({}, { additionalProperties: false }),
    result: Type.Object({
      status: Status,
      uploads: Type.Array(
        Type.Object({
          upload_id: UploadId,
          model_id: Type.String(),
          bytes: Count,
          received: Count,
          expires_at: Type.String(),
        }),
      ),
      total: Count,
    }),
    errors: [],
    http: { verb: 'GET', path: '/uploads' },
    grpc: { service: 'ModelService', rpc: 'ListUploads' },
  },
  {
    name: 'uploads.cancel',
    summary: 'Forgets an upload and what only it has sent.',
    params: Type.Object({ upload_id: UploadId }, { additionalProperties: false }),
    result: Type.Object({ status: Status, upload_id: UploadId, message: Type.String() }),
    errors: ['FAILED_PRECONDITION'],
    http: { verb: 'DELETE', path: '/uploads/{upload_id}' },
    grpc: { service: 'ModelService', rpc: 'CancelUpload' },
  },
] as const satisfies readonly MethodDeclaration[];
