#ifndef MLOS_H_
#define MLOS_H_

/*
 * C API of MLOS for applications: attach to a model of the daemon on this host once, then run it
 * through shared memory, without a copy, a serialiser or (while both sides are awake) a system
 * call.
 *
 *     mlos_model *model;
 *     mlos_request *request;
 *     if (mlos_attach(NULL, "hf/mnist@latest", NULL, &model) != MLOS_OK) ...mlos_last_error()...
 *     const int64_t dims[] = {1, 64};
 *     const mlos_input input = {.index = 0, .rank = 2, .dims = dims};
 *     mlos_request_create(model, &input, 1, &request);
 *     float *x = mlos_request_data(request, 0, NULL);  // write here, for each run anew
 *     if (mlos_infer(request, 1000000) == MLOS_OK) use(mlos_outputs(request)[0].data);
 *     mlos_request_free(request);
 *     mlos_close(model);
 *
 * Threads: one at a time for a model and its requests; attach once per thread. fork() ends handles.
 *
 * Errors: functions return a mlos_status. For everything but MLOS_OK, mlos_last_error() of the same
 * thread is one sentence for people. Arguments that are NULL or out of range are
 * MLOS_INVALID_ARGUMENT, never undefined, but for pointers that point nowhere.
 *
 * Ownership: every pointer that a function returns belongs to the library and says how long it is
 * valid. Tensors are dense, row-major and little-endian; addresses of inputs and outputs are
 * aligned to 64 bytes. Times are in microseconds; 0 is "no limit".
 */

/* NOLINTBEGIN(modernize-*,readability-identifier-naming): this is C. */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MLOS_API __attribute__((visibility("default")))

#define MLOS_VERSION_MAJOR 0
#define MLOS_VERSION_MINOR 1
#define MLOS_VERSION_PATCH 0
/* "major.minor.patch" of the library that is loaded. */
MLOS_API const char* mlos_version(void);

/* docs/errors.md says what each means. */
typedef enum mlos_status {
  MLOS_OK = 0,
  MLOS_INVALID_ARGUMENT = 1,
  MLOS_MISSING_INPUT = 2,
  MLOS_UNKNOWN_INPUT = 3,
  MLOS_INVALID_DTYPE = 4,
  MLOS_INVALID_SHAPE = 5,
  MLOS_INVALID_VALUE = 6,
  MLOS_TOO_MANY_REQUESTS = 7,
  MLOS_CANCELLED = 8,
  MLOS_DEADLINE_EXCEEDED = 9,
  MLOS_INFERENCE_FAILED = 10,
  MLOS_INTERNAL = 11,
  /* The plugin died while it worked on this request, which is not asked again by itself. */
  MLOS_PLUGIN_CRASHED = 12,
  /* Where a channel was lost: this request had not been begun, so it can safely be asked again. */
  MLOS_PLUGIN_UNAVAILABLE = 13,
  MLOS_MODEL_NOT_FOUND = 14,
  MLOS_PAYLOAD_TOO_LARGE = 15,
  MLOS_SHUTTING_DOWN = 16,
  MLOS_UNIMPLEMENTED = 17,
  MLOS_INVALID_FRAME = 18,
  MLOS_CLIENT_GONE = 19,
  MLOS_PERMISSION_DENIED = 20,
  /* From here on: of mlos_attach() and of attaching again; the first one also of sequences. */
  MLOS_FAILED_PRECONDITION = 100,
  MLOS_INVALID_MODEL_ID = 101,
  MLOS_NO_PLUGIN_FOR_FORMAT = 102,
  MLOS_MODEL_LOAD_FAILED = 103,
  MLOS_DATA_CORRUPTED = 104,
  MLOS_STORAGE_FULL = 105,
  MLOS_UNKNOWN_METHOD = 106,
  MLOS_PLUGIN_NOT_FOUND = 107,
  MLOS_ALREADY_EXISTS = 108,
  MLOS_INVALID_MANIFEST = 109,
  MLOS_INVALID_JSON = 110,
  MLOS_FORBIDDEN_ORIGIN = 111,
  MLOS_METHOD_NOT_ALLOWED = 112,
  MLOS_UNSUPPORTED_MEDIA_TYPE = 113,
  MLOS_HEADERS_TOO_LARGE = 114,
  MLOS_SIGNATURE_INVALID = 115,
  MLOS_MISSING_DEPENDENCY = 116,
  MLOS_MODEL_LOADING = 117,
  MLOS_SOURCE_UNAVAILABLE = 118
} mlos_status;

/* "INVALID_SHAPE" for MLOS_INVALID_SHAPE; "INTERNAL" for a number that is no status. */
MLOS_API const char* mlos_status_name(mlos_status status);
/* Of the latest call in this thread that failed; valid until the next call that fails in it. */
MLOS_API const char* mlos_last_error(void);

/* Element types: the numbers of ONNX. Strings have a form of their own, see below. */
typedef enum mlos_dtype {
  MLOS_FLOAT32 = 1,
  MLOS_UINT8 = 2,
  MLOS_INT8 = 3,
  MLOS_UINT16 = 4,
  MLOS_INT16 = 5,
  MLOS_INT32 = 6,
  MLOS_INT64 = 7,
  MLOS_STRING = 8,
  MLOS_BOOL = 9,
  MLOS_FLOAT16 = 10,
  MLOS_FLOAT64 = 11,
  MLOS_UINT32 = 12,
  MLOS_UINT64 = 13,
  MLOS_BFLOAT16 = 16
} mlos_dtype;

#define MLOS_MAX_RANK 16
#define MLOS_MAX_TENSORS 256
/* The most requests of one model that can be under way at once. */
#define MLOS_MAX_IN_FLIGHT 256

typedef enum mlos_priority {
  MLOS_REALTIME = 0,
  MLOS_HIGH = 1,
  MLOS_NORMAL = 2,
  MLOS_BATCH = 3
} mlos_priority;

/* ---- Models ---------------------------------------------------------------------------------- */

typedef struct mlos_model mlos_model;
typedef struct mlos_request mlos_request;

typedef struct mlos_attach_options {
  /* sizeof(mlos_attach_options). */
  size_t size;
  /* Room for all inputs of all requests that exist at once, and for all outputs that are held, in
   * bytes; 0: the daemon's choice. */
  uint64_t input_bytes;
  uint64_t output_bytes;
  /* The most urgent mlos_priority of this client's requests; -1: the model's own. */
  int32_t priority;
  /* The most microseconds to spin before sleeping; -1: the daemon's choice, 0: never. */
  int32_t spin_us;
  /* How long attaching may take, loading the model included; 0: 5 minutes. */
  uint64_t timeout_us;
  /* How long a call may try to attach again after the plugin died; 0: 10 s. The timeout of the call
   * limits it too. */
  uint64_t reattach_timeout_us;
  /* Nonzero: never attach again by itself. */
  int32_t no_reattach;
} mlos_attach_options;

/* Fills in the size and the defaults. */
MLOS_API void mlos_attach_options_init(mlos_attach_options* options);

/* Attaches to a model, which the daemon loads if it is not. `socket_path` NULL: the environment's
 * MLOS_API_IPC_SOCKET_PATH, else /tmp/mlos.sock. `options` NULL: the defaults. Blocks.
 * MLOS_FAILED_PRECONDITION where no daemon listens, and what the daemon answers. */
MLOS_API mlos_status mlos_attach(const char* socket_path, const char* model_id,
                                 const mlos_attach_options* options, mlos_model** model);

/* Ends the attachment; NULL is ignored. What is under way is MLOS_CANCELLED. Its requests stay to
 * be freed; what they have can be read until then, all else is MLOS_FAILED_PRECONDITION. */
MLOS_API void mlos_close(mlos_model* model);

/* An input or output as the model declares it; valid as long as the model. */
typedef struct mlos_tensor_spec {
  const char* name;
  mlos_dtype dtype;
  /* -1: not even the rank is known. */
  int32_t rank;
  /* -1: any size. */
  const int64_t* dims;
} mlos_tensor_spec;

MLOS_API uint32_t mlos_input_count(const mlos_model* model);
MLOS_API uint32_t mlos_output_count(const mlos_model* model);
MLOS_API mlos_status mlos_input_spec(const mlos_model* model, uint32_t index,
                                     mlos_tensor_spec* spec);
MLOS_API mlos_status mlos_output_spec(const mlos_model* model, uint32_t index,
                                      mlos_tensor_spec* spec);
/* Position of a name in the signature; -1: none has it. */
MLOS_API int32_t mlos_find_input(const mlos_model* model, const char* name);
MLOS_API int32_t mlos_find_output(const mlos_model* model, const char* name);
/* As the daemon resolved them: "namespace/name@version", the file's sha256, "onnx@1.0.0". */
MLOS_API const char* mlos_model_id(const mlos_model* model);
MLOS_API const char* mlos_model_version(const mlos_model* model);
MLOS_API const char* mlos_plugin_id(const mlos_model* model);
/* How often the model has been attached again by itself. */
MLOS_API uint64_t mlos_reattach_count(const mlos_model* model);

/* ---- Requests -------------------------------------------------------------------------------- */

typedef struct mlos_input {
  /* Position in the signature. */
  uint32_t index;
  uint32_t rank;
  const int64_t* dims;
  /* Strings: the room for all of them in bytes, 4 for each beside its text. Else 0. */
  uint64_t byte_length;
} mlos_input;

/* Reserves memory for inputs of these shapes, zeroed, to be written and run as often as you like.
 * MLOS_PAYLOAD_TOO_LARGE where `input_bytes` has no room beside the requests that exist. */
MLOS_API mlos_status mlos_request_create(mlos_model* model, const mlos_input* inputs,
                                         uint32_t count, mlos_request** request);
/* NULL is ignored. What is under way is given up. */
MLOS_API void mlos_request_free(mlos_request* request);

/* Where input `index` of the signature is written; NULL for one that the request does not have.
 * Valid, here, until mlos_request_free(). Do not write while the request is under way. */
MLOS_API void* mlos_request_data(mlos_request* request, uint32_t index, size_t* byte_length);
/* Writes a string input: one text per element. `lengths` NULL: they end with a NUL. Texts are
 * UTF-8. MLOS_INVALID_SHAPE for a wrong count, MLOS_PAYLOAD_TOO_LARGE beyond the room reserved. */
MLOS_API mlos_status mlos_request_set_strings(mlos_request* request, uint32_t index,
                                              const char* const* texts, const size_t* lengths,
                                              size_t count);
/* The outputs wanted; `count` 0: all, as at first. */
MLOS_API mlos_status mlos_request_select(mlos_request* request, const uint32_t* outputs,
                                         uint32_t count);
/* Makes a request less urgent than its model's attachment. */
MLOS_API mlos_status mlos_request_set_priority(mlos_request* request, mlos_priority priority);

/* Begin at the initial state, whatever it was; free the state afterwards. */
#define MLOS_SEQUENCE_START 1
#define MLOS_SEQUENCE_END 2
/* Which sequence the next runs belong to, for a model that keeps a state (docs/sequences.md): an id
 * of 1 to 128 bytes, or NULL for none. Holds until it is called again. */
MLOS_API mlos_status mlos_request_set_sequence(mlos_request* request, const char* id,
                                               uint32_t flags);

typedef struct mlos_tensor {
  /* NULL where there is no such output. */
  const void* data;
  uint64_t byte_length;
  uint32_t dtype;
  uint32_t rank;
  int64_t dims[MLOS_MAX_RANK];
} mlos_tensor;

/* Releases the outputs, runs the model once and waits: for MLOS_OK they lie in mlos_outputs().
 * Where the plugin died before it began, attaches again and asks once more. After
 * MLOS_DEADLINE_EXCEEDED the run is given up; memory in use by it stays so until the next call with
 * the request. */
MLOS_API mlos_status mlos_infer(mlos_request* request, uint64_t timeout_us);

/* One element per output of the signature, at this address until mlos_request_free(). What `data`
 * points to is valid until mlos_release(), the next run of the request, or mlos_request_free(). */
MLOS_API const mlos_tensor* mlos_outputs(const mlos_request* request);
/* Gives the outputs' memory back; what is held counts against `output_bytes`. Idempotent. */
MLOS_API void mlos_release(mlos_request* request);
/* Where each text of a string tensor lies and how long it is (no NUL follows): fills in arrays of
 * `count` elements, which is the tensor's number of elements, or MLOS_INVALID_SHAPE.
 * MLOS_INVALID_VALUE where the tensor is malformed. */
MLOS_API mlos_status mlos_strings(const mlos_tensor* tensor, const char** texts, size_t* lengths,
                                  size_t count);

typedef struct mlos_timing {
  /* From being taken over to being begun, and of the run itself. */
  uint64_t queue_ns;
  uint64_t run_ns;
  /* Requests that ran together. */
  uint32_t batch;
} mlos_timing;
MLOS_API mlos_status mlos_request_timing(const mlos_request* request, mlos_timing* timing);

/* ---- Several requests at once ---------------------------------------------------------------- */

/* Begins a run and returns. After `timeout_us` it is answered MLOS_DEADLINE_EXCEEDED if it has not
 * been begun. MLOS_TOO_MANY_REQUESTS beyond MLOS_MAX_IN_FLIGHT. Attaches again (and so may block)
 * only where the plugin is known to be dead. */
MLOS_API mlos_status mlos_submit(mlos_request* request, uint64_t timeout_us);
/* A request that has been submitted and is finished, each once, in the order in which they finish;
 * NULL: none is. Never blocks. */
MLOS_API mlos_request* mlos_poll(mlos_model* model);
/* The same, and waits for it. MLOS_DEADLINE_EXCEEDED after `timeout_us`, MLOS_FAILED_PRECONDITION
 * where nothing is under way. */
MLOS_API mlos_status mlos_wait(mlos_model* model, uint64_t timeout_us, mlos_request** request);
/* Waits for this one and returns what came of it. */
MLOS_API mlos_status mlos_wait_for(mlos_request* request, uint64_t timeout_us);
/* What came of a finished request; MLOS_FAILED_PRECONDITION while it is not, or was never run. */
MLOS_API mlos_status mlos_request_status(const mlos_request* request);
/* Valid until the next run of the request. */
MLOS_API const char* mlos_request_message(const mlos_request* request);
/* The answer is not wanted; one still comes, mostly MLOS_CANCELLED. It can be run again at once. */
MLOS_API mlos_status mlos_cancel(mlos_request* request);

/* For event loops: a descriptor that becomes readable when mlos_poll() has something; -1 where it
 * has already. Wait for it once, call mlos_stop_listening(), then mlos_poll(). */
MLOS_API int mlos_listen(mlos_model* model);
MLOS_API void mlos_stop_listening(mlos_model* model);

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-*,readability-identifier-naming) */

#endif /* MLOS_H_ */
