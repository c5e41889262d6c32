/**
 * The closed list of errors. Every error that leaves MLOS, through any door, carries one of these
 * codes; there are no others. HTTP and gRPC numbers are derived from here and nowhere else.
 *
 * gRPC numbers are those of google.rpc.Code.
 */
export interface ErrorCodeInfo {
  readonly http: number;
  readonly grpc: number;
  /** One sentence for docs/errors.md: what it means and what to do. */
  readonly meaning: string;
}

const grpc = {
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
} as const;

export const errorCodes = {
  INVALID_ARGUMENT: {
    http: 400,
    grpc: grpc.invalidArgument,
    meaning: 'A parameter is missing, unknown or of the wrong type; the message names it.',
  },
  INVALID_JSON: {
    http: 400,
    grpc: grpc.invalidArgument,
    meaning: 'The request body is not JSON, or nests deeper than the limit.',
  },
  INVALID_FRAME: {
    http: 400,
    grpc: grpc.invalidArgument,
    meaning:
      'A frame on the IPC socket, whose connection is closed after it, or a gRPC message cannot be decoded.',
  },
  INVALID_MODEL_ID: {
    http: 400,
    grpc: grpc.invalidArgument,
    meaning: 'A model id is not of the form namespace/name@version.',
  },
  INVALID_MANIFEST: {
    http: 400,
    grpc: grpc.invalidArgument,
    meaning: 'A manifest.yaml or plugin.yaml is missing, malformed or over its limits.',
  },
  MISSING_INPUT: {
    http: 400,
    grpc: grpc.invalidArgument,
    meaning: 'The model needs an input that the request does not have.',
  },
  UNKNOWN_INPUT: {
    http: 400,
    grpc: grpc.invalidArgument,
    meaning: 'The request names an input or output that the model does not have.',
  },
  INVALID_DTYPE: {
    http: 400,
    grpc: grpc.invalidArgument,
    meaning: "A tensor's dtype is not the one that the model's signature asks for.",
  },
  INVALID_SHAPE: {
    http: 400,
    grpc: grpc.invalidArgument,
    meaning: "A tensor's rank, dimensions or element count do not fit the model's signature.",
  },
  INVALID_VALUE: {
    http: 400,
    grpc: grpc.invalidArgument,
    meaning: 'An element cannot be represented in its dtype, such as NaN in an integer tensor.',
  },
  FORBIDDEN_ORIGIN: {
    http: 403,
    grpc: grpc.permissionDenied,
    meaning: 'The Host or Origin header is not one that this daemon serves.',
  },
  PERMISSION_DENIED: {
    http: 403,
    grpc: grpc.permissionDenied,
    meaning: 'The caller, or the daemon itself, has no right to the file or operation named.',
  },
  SIGNATURE_INVALID: {
    http: 403,
    grpc: grpc.permissionDenied,
    meaning:
      'A package is not signed, not with a trusted key, or was changed since; only signed ones are taken here.',
  },
  MODEL_NOT_FOUND: {
    http: 404,
    grpc: grpc.notFound,
    meaning: 'No model is registered under this id; the message names the nearest one.',
  },
  PLUGIN_NOT_FOUND: {
    http: 404,
    grpc: grpc.notFound,
    meaning: 'No plugin is registered under this id.',
  },
  UNKNOWN_METHOD: {
    http: 404,
    grpc: grpc.unimplemented,
    meaning: 'No operation has this path or method name.',
  },
  METHOD_NOT_ALLOWED: {
    http: 405,
    grpc: grpc.unimplemented,
    meaning: 'The path exists, but not with this HTTP verb; the Allow header lists those it has.',
  },
  ALREADY_EXISTS: {
    http: 409,
    grpc: grpc.alreadyExists,
    meaning: 'The id is taken by something different.',
  },
  FAILED_PRECONDITION: {
    http: 409,
    grpc: grpc.failedPrecondition,
    meaning: 'The operation does not fit the present state, such as removing a plugin in use.',
  },
  PAYLOAD_TOO_LARGE: {
    http: 413,
    grpc: grpc.resourceExhausted,
    meaning: 'The body or frame is larger than the limit that the message states.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    http: 415,
    grpc: grpc.invalidArgument,
    meaning: 'The Content-Type or Content-Encoding is not one that this operation reads.',
  },
  NO_PLUGIN_FOR_FORMAT: {
    http: 422,
    grpc: grpc.failedPrecondition,
    meaning:
      "No registered plugin runs this model's execution format; the message lists those there are.",
  },
  MISSING_DEPENDENCY: {
    http: 422,
    grpc: grpc.failedPrecondition,
    meaning:
      "The plugin lacks packages that the model's manifest asks for; the message has the command that brings them.",
  },
  MODEL_LOAD_FAILED: {
    http: 422,
    grpc: grpc.failedPrecondition,
    meaning: "The plugin could not load the model; the message carries the runtime's reason.",
  },
  TOO_MANY_REQUESTS: {
    http: 429,
    grpc: grpc.resourceExhausted,
    meaning: 'A queue or a connection limit is full; try again later.',
  },
  HEADERS_TOO_LARGE: {
    http: 431,
    grpc: grpc.resourceExhausted,
    meaning: 'The HTTP request head is larger than the limit.',
  },
  CANCELLED: {
    http: 499,
    grpc: grpc.cancelled,
    meaning: 'The caller went away or cancelled before the answer was there.',
  },
  INTERNAL: {
    http: 500,
    grpc: grpc.internal,
    meaning: 'A fault of MLOS itself; the log has the details under the request id.',
  },
  INFERENCE_FAILED: {
    http: 500,
    grpc: grpc.internal,
    meaning: 'The runtime accepted the inputs but failed while running the model.',
  },
  DATA_CORRUPTED: {
    http: 500,
    grpc: grpc.dataLoss,
    meaning: 'Stored bytes do not match their checksum; they are not used.',
  },
  UNIMPLEMENTED: {
    http: 501,
    grpc: grpc.unimplemented,
    meaning: 'This version does not have the feature; the message says what works instead.',
  },
  MODEL_LOADING: {
    http: 503,
    grpc: grpc.unavailable,
    meaning:
      'The model is being loaded, and the caller did not want to wait for that; ask again later.',
  },
  SOURCE_UNAVAILABLE: {
    http: 502,
    grpc: grpc.unavailable,
    meaning: 'The hub that a model comes from cannot be reached, or sent something else.',
  },
  PLUGIN_CRASHED: {
    http: 503,
    grpc: grpc.unavailable,
    meaning: 'The plugin process died while it worked on this request; it is being restarted.',
  },
  PLUGIN_UNAVAILABLE: {
    http: 503,
    grpc: grpc.unavailable,
    meaning:
      'The plugin cannot be started or keeps crashing; the message says until when it rests.',
  },
  SHUTTING_DOWN: {
    http: 503,
    grpc: grpc.unavailable,
    meaning: 'The daemon is draining and takes no new work.',
  },
  DEADLINE_EXCEEDED: {
    http: 504,
    grpc: grpc.deadlineExceeded,
    meaning: 'The answer was not there within the time allowed.',
  },
  STORAGE_FULL: {
    http: 507,
    grpc: grpc.resourceExhausted,
    meaning: 'The disk is full; nothing was changed.',
  },
} as const satisfies Record<string, ErrorCodeInfo>;

export type ErrorCode = keyof typeof errorCodes;

export const errorCodeNames = Object.keys(errorCodes) as readonly ErrorCode[];

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCodes, value);
}
