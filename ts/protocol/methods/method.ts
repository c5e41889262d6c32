import type { TObject, TSchema } from 'typebox';
import type { ErrorCode } from '../error-codes.ts';
import type { JsonSchema } from '../json-schema.ts';

export type HttpVerb = 'GET' | 'POST' | 'DELETE';

/** The gRPC services of package mlos.v1. */
export type GrpcService = 'HealthService' | 'PluginService' | 'ModelService' | 'InferenceService';

/** What is known of an operation beside its schemas. */
interface MethodFacts {
  /** `area.verb`; the name on the IPC socket. */
  readonly name: string;
  readonly summary: string;
  /** Codes beyond those that every method may answer (`commonErrors`). */
  readonly errors: readonly ErrorCode[];
  readonly http: {
    readonly verb: HttpVerb;
    readonly path: string;
    /** Further paths that mean the same, kept for earlier clients and probes. */
    readonly aliases?: readonly string[];
    /** The parameter that is the body itself, as bytes; the others stand in path and query then. */
    readonly bytes?: string;
    /** The parameter that is the body itself where that is a picture, a recording or bytes; a form is read, too. */
    readonly media?: string;
    /** Whether what it says before its answer is sent as server-sent events to clients that accept those. */
    readonly events?: true;
  };
  /** Where it stands in proto/mlos/v1. Its messages are `<rpc>Request` and `<rpc>Response`. */
  readonly grpc: { readonly service: GrpcService; readonly rpc: string };
}

/**
 * An operation as it is declared: everything a door, the validator, the OpenAPI document and the docs
 * need to know of it. `path` is a template; parameters of a request are the template's variables, the
 * query and the JSON body together.
 */
export interface MethodDeclaration extends MethodFacts {
  readonly params: TObject;
  readonly result: TSchema;
}

/** One row of the method table: the declaration as plain data, with its check. Generated. */
export interface MethodSpec extends MethodFacts {
  readonly params: JsonSchema & Required<Pick<JsonSchema, 'properties'>>;
  /** Whether a value is such parameters. */
  readonly check: (params: unknown) => boolean;
}

/** Codes of what stands beside the table: Ollama's pulls. */
export const surfaceErrors = ['SOURCE_UNAVAILABLE'] as const;

/** What any method may answer. */
export const commonErrors = [
  'INVALID_ARGUMENT',
  'INVALID_JSON',
  'INVALID_FRAME',
  'FORBIDDEN_ORIGIN',
  'UNKNOWN_METHOD',
  'METHOD_NOT_ALLOWED',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'TOO_MANY_REQUESTS',
  'HEADERS_TOO_LARGE',
  'CANCELLED',
  'INTERNAL',
  'SHUTTING_DOWN',
] as const satisfies readonly ErrorCode[];
