#ifndef MLOS_SHM_LAYOUT_H_
#define MLOS_SHM_LAYOUT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mlos::layout {

/// The one place that says how everything shared between processes lies in memory. Little-endian,
/// no pointers. TypeScript gets each number from the addon (`channelLayout()`), without a mirror.
///
/// A channel joins one client with one model of one plugin host and is made of two regions, each
/// written by one side only, so that each can be sealed against the other:
///
///     request region    the client writes, the host maps read-only
///         RequestControl | RequestEntry[kRingEntries] | arena: descriptors and inputs
///     response region   the host writes, the client maps read-only
///         ResponseControl | CompletionEntry[kRingEntries] | arena: outputs and error texts
///
/// Rules:
/// 1. The reader of an entry or descriptor copies it out before it looks at any field of it, and
///    checks every field of the copy against its own knowledge of the region's size.
/// 2. No side ever reads back what it wrote: its own indices and its allocator live in private
///    memory. What lies here is for the other side.
/// 3. Only elements of tensors are read in place, and those only where their value cannot lead the
///    reader astray (see engine/: integer inputs are copied first).

/// "MLOSCHN1", read as a little-endian number.
inline constexpr uint64_t kMagic = 0x314e4843534f4c4d;
inline constexpr uint32_t kVersion = 2;

/// Entries in each ring; a power of two.
inline constexpr uint32_t kRingEntries = 1024;
/// Requests of one channel that may be unanswered at once. Each has a slot of its own. A quarter of
/// the ring, so that releases and cancellations always find room beside them.
inline constexpr uint32_t kSlots = 256;
/// Answers of one channel whose outputs the client has not released; beyond it requests are
/// answered kTooManyRequests.
inline constexpr uint32_t kMaxHeldResults = 512;
/// Tensors in one request or answer: `limits.tensorsPerRequest` of the protocol.
inline constexpr uint32_t kMaxTensors = 256;
/// Rank of a tensor: `limits.tensorRank`.
inline constexpr uint32_t kMaxRank = 16;
/// Alignment of every block and tensor in an arena, in bytes: a cache line.
inline constexpr uint32_t kBlockAlignment = 64;
/// Bytes of the id of a sequence.
inline constexpr uint32_t kMaxSequenceIdBytes = 128;
/// Bytes of the text of an error.
inline constexpr uint32_t kMaxErrorBytes = 2000;
/// Bytes of one arena: at least, at most.
inline constexpr uint64_t kMinArenaBytes = uint64_t{1} << 16;
inline constexpr uint64_t kMaxArenaBytes = uint64_t{1} << 32;

inline constexpr std::size_t kCacheLine = 64;

/// Written once, before the region is handed over; against mix-ups.
struct RegionHeader {
  uint64_t magic;
  uint32_t version;
  /// 1 request region, 2 response region, 3 stats region.
  uint32_t kind;
  uint64_t byte_length;
  uint64_t channel_id;
  uint64_t reserved[4];
};
static_assert(sizeof(RegionHeader) == 64);

inline constexpr uint32_t kKindRequest = 1;
inline constexpr uint32_t kKindResponse = 2;
inline constexpr uint32_t kKindStats = 3;

/// A `sleeping` word: how a side that is about to sleep wants to be woken, in the low bits; above
/// them a number that is another one each time, so that each sleep is ended by one system call.
inline constexpr uint32_t kAwake = 0;
/// On the completion_bell (futex).
inline constexpr uint32_t kSleepsOnFutex = 1;
/// In an event loop: the client hears a byte on the channel's socket, the host its bell.
inline constexpr uint32_t kSleepsOnSocket = 2;
inline constexpr uint32_t kSleepKindMask = 3;
inline constexpr uint32_t kSleepStep = 4;

/// At offset 0 of the request region. Each field has a cache line of its own.
struct RequestControl {
  RegionHeader header;
  /// Entries that the client has published, counted from 0 for ever (modulo 2^32).
  alignas(kCacheLine) std::atomic<uint32_t> request_tail;
  /// Completions that the client has taken.
  alignas(kCacheLine) std::atomic<uint32_t> completion_head;
  /// A sleeping word.
  alignas(kCacheLine) std::atomic<uint32_t> client_sleeping;
  /// For each slot the id of the request in it that its client no longer wants; 0: none.
  alignas(kCacheLine) std::atomic<uint64_t> cancelled[kSlots];
};

/// At offset 0 of the response region.
struct ResponseControl {
  RegionHeader header;
  /// Request entries that the host has taken.
  alignas(kCacheLine) std::atomic<uint32_t> request_head;
  /// Completions that the host has published.
  alignas(kCacheLine) std::atomic<uint32_t> completion_tail;
  /// A sleeping word: whether the client has to write to the bell (an eventfd) after an entry.
  alignas(kCacheLine) std::atomic<uint32_t> host_sleeping;
  /// The futex that a client sleeps on: counts wake-ups (sleep.h).
  alignas(kCacheLine) std::atomic<uint32_t> completion_bell;
  /// ChannelState. Leaves kOpen once and never comes back.
  alignas(kCacheLine) std::atomic<uint32_t> state;
  /// Why: a StatusCode.
  std::atomic<uint32_t> close_code;
  /// For each slot the id of the request in it that has been begun; 0: none has. After the host's
  /// death it tells which requests can safely be asked again.
  alignas(kCacheLine) std::atomic<uint64_t> begun[kSlots];
};

enum ChannelState : uint32_t { kOpening = 0, kOpen = 1, kClosed = 2 };
/// One message from client to host.
struct RequestEntry {
  /// EntryKind.
  uint32_t kind;
  /// Of an infer: where the host writes what it knows of the request; < kSlots.
  uint32_t slot;
  /// Never 0, never used twice in one channel.
  uint64_t request_id;
  /// Infer: offset and length of the RequestDescriptor, in the request region's arena.
  /// Release: offset of the answer's block, in the response region's arena.
  uint64_t offset;
  uint64_t byte_length;
  uint64_t reserved[4];
};
static_assert(sizeof(RequestEntry) == 64);

enum EntryKind : uint32_t { kInfer = 1, kRelease = 2 };

/// The fixed part of a request; `input_count` TensorDescriptors follow it directly.
struct RequestDescriptor {
  /// CLOCK_MONOTONIC in nanoseconds, after which nobody wants the answer; 0: none.
  uint64_t deadline_ns;
  uint32_t priority;  // Priority; the channel's own bound applies beside it
  uint32_t input_count;
  /// Bit i of word i/64 asks for output i of the signature; all zero asks for every one.
  uint64_t wanted[kMaxTensors / 64];
  /// 1: a SequenceDescriptor follows the tensors. 0: none does.
  uint32_t has_sequence;
  uint32_t reserved;
  uint64_t reserved2;
};
static_assert(sizeof(RequestDescriptor) == 64);

/// Which sequence of a stateful model a request belongs to.
struct SequenceDescriptor {
  /// SequenceFlag.
  uint32_t flags;
  /// At least 1.
  uint32_t id_length;
  /// The client's own choice; any bytes.
  char id[kMaxSequenceIdBytes];
};
static_assert(sizeof(SequenceDescriptor) == 8 + kMaxSequenceIdBytes);

enum SequenceFlag : uint32_t {
  /// From the initial state on, whatever the sequence's state was.
  kSequenceStart = 1,
  /// The state is freed after this request.
  kSequenceEnd = 2,
};

/// One tensor, in a request or an answer.
struct TensorDescriptor {
  /// Position in the model's signature (inputs in requests, outputs in answers).
  uint32_t index;
  /// ONNX element type: `dtypes` of ts/protocol/dtype.ts.
  uint16_t dtype;
  uint16_t rank;
  /// Of the elements, in the arena of the region that the descriptor lies in. Row-major,
  /// little-endian. A string tensor is one uint32 length per element, then the UTF-8 bytes of all.
  uint64_t offset;
  uint64_t byte_length;
  int64_t dims[kMaxRank];
};
static_assert(sizeof(TensorDescriptor) == 24 + 8 * kMaxRank);

/// One message from host to client.
struct CompletionEntry {
  uint64_t request_id;
  uint32_t slot;
  /// StatusCode; kOk: a ResultDescriptor lies at `offset`, else UTF-8 text of `byte_length` bytes
  /// (0: none).
  uint32_t status;
  /// In the response region's arena. A block with byte_length > 0 stays until it is released; the
  /// outputs of an answer lie inside it.
  uint64_t offset;
  uint64_t byte_length;
  /// Time from being taken out of the ring to being begun, and of the run itself, in nanoseconds.
  uint64_t queue_ns;
  uint64_t run_ns;
  /// Requests that ran together.
  uint32_t batch;
  uint32_t reserved;
  uint64_t reserved2;
};
static_assert(sizeof(CompletionEntry) == 64);

/// The fixed part of an answer; `output_count` TensorDescriptors follow it directly.
struct ResultDescriptor {
  uint32_t output_count;
  uint32_t reserved;
  uint64_t reserved2[7];
};
static_assert(sizeof(ResultDescriptor) == 64);

/// What a request or a channel came to. Numbers travel; status_code.h has the protocol's names.
enum StatusCode : uint32_t {
  kOk = 0,
  kInvalidArgument = 1,
  kMissingInput = 2,
  kUnknownInput = 3,
  kInvalidDtype = 4,
  kInvalidShape = 5,
  kInvalidValue = 6,
  kTooManyRequests = 7,
  kCancelled = 8,
  kDeadlineExceeded = 9,
  kInferenceFailed = 10,
  kInternal = 11,
  kPluginCrashed = 12,
  kPluginUnavailable = 13,
  kModelNotFound = 14,
  kPayloadTooLarge = 15,
  kShuttingDown = 16,
  kUnimplemented = 17,
  kInvalidFrame = 18,
  kClientGone = 19,
  kPermissionDenied = 20,
  kFailedPrecondition = 21,
};

/// Priority classes. A smaller number is served first.
enum Priority : uint32_t { kRealtime = 0, kHigh = 1, kNormal = 2, kBatch = 3 };
inline constexpr uint32_t kPriorities = 4;

inline constexpr std::size_t kRequestRingOffset = sizeof(RequestControl);
inline constexpr std::size_t kRequestArenaOffset =
    kRequestRingOffset + kRingEntries * sizeof(RequestEntry);
inline constexpr std::size_t kCompletionRingOffset = sizeof(ResponseControl);
inline constexpr std::size_t kResponseArenaOffset =
    kCompletionRingOffset + kRingEntries * sizeof(CompletionEntry);

static_assert(std::atomic<uint32_t>::is_always_lock_free && sizeof(std::atomic<uint32_t>) == 4);
static_assert(std::atomic<uint64_t>::is_always_lock_free && sizeof(std::atomic<uint64_t>) == 8);
static_assert(kRequestRingOffset % kCacheLine == 0 && kRequestArenaOffset % kCacheLine == 0);
static_assert(kCompletionRingOffset % kCacheLine == 0 && kResponseArenaOffset % kCacheLine == 0);
static_assert((kRingEntries & (kRingEntries - 1)) == 0 && kSlots * 4 <= kRingEntries);

}  // namespace mlos::layout

#endif  // MLOS_SHM_LAYOUT_H_
