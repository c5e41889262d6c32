#ifndef MLOS_ENGINE_SEQUENCE_H_
#define MLOS_ENGINE_SEQUENCE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/engine.h"
#include "engine/state_tensor.h"

namespace mlos {

struct ModelChannel;
struct Request;

class SequenceTable;

/// What a model remembers of one sequence of requests. Under the model's lock, but for what the run
/// of its request reads and writes: `states`, `rows`, `bytes` and `begun`.
struct Sequence {
  SequenceTable* table = nullptr;
  /// In the table.
  std::string key;
  /// Null: of no single channel.
  const ModelChannel* owner = nullptr;
  /// One per state of the model, once it has begun.
  std::vector<StateTensor> states;
  bool begun = false;
  /// Rows of its states.
  uint64_t rows = 1;
  /// Counted in its table for `states`.
  uint64_t bytes = 0;
  /// When its last request ended.
  uint64_t used_ns = 0;
  /// The one of its requests that is queued or runs; the others are held, first come first.
  Request* turn = nullptr;
  /// Which turn that is, from 1: a request's address may come again, this number does not.
  uint64_t turns = 0;
  Request* first_held = nullptr;
  Request* last_held = nullptr;
  /// Its channel is gone: it ends with the request that runs.
  bool doomed = false;
};

/// The sequences of one model. Under the model's lock, but for Grow() and Shrink().
class SequenceTable {
 public:
  explicit SequenceTable(const SequenceOptions& options) : options_(options) {}

  /// Null: there is none.
  Sequence* Find(const ModelChannel* owner, std::string_view id);
  /// Null: there are as many as there may be.
  Sequence* Create(const ModelChannel* owner, std::string_view id);
  void Erase(Sequence& sequence);
  /// Forgets idle ones; when to look again, UINT64_MAX where there are none.
  uint64_t Expire(uint64_t now_ns);

  /// Accounts for a sequence whose states take `to` instead of `from` bytes; false: too many.
  bool Grow(uint64_t from, uint64_t to);
  void Shrink(uint64_t from, uint64_t to);

  /// `visit(Sequence&)` may erase the one it is given.
  template <typename Visit>
  void ForEach(const Visit& visit) {
    for (auto at = sequences_.begin(); at != sequences_.end();) {
      Sequence& sequence = *at->second;
      ++at;
      visit(sequence);
    }
  }

  uint32_t size() const { return static_cast<uint32_t>(sequences_.size()); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  const SequenceOptions& options() const { return options_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };

  uint64_t idle_ns() const { return uint64_t{options_.idle_ms} * 1'000'000; }

  const SequenceOptions options_;
  std::unordered_map<std::string, std::unique_ptr<Sequence>, Hash, std::equal_to<>> sequences_;
  std::atomic<uint64_t> bytes_{0};
  /// No sequence expires before that.
  uint64_t next_expiry_ns_ = 0;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_SEQUENCE_H_
