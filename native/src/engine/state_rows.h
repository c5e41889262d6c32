#ifndef MLOS_ENGINE_STATE_ROWS_H_
#define MLOS_ENGINE_STATE_ROWS_H_

#include <span>
#include <vector>

#include "engine/request.h"
#include "engine/sequence.h"
#include "engine/stateful_context.h"

namespace mlos {

/// Carries states between sequences and runs. One per worker.
///
/// A sequence's states change in one step, Keep(), when the answer of the run has been published:
/// until then what the run made of them lies beside them, and a run that fails leaves no trace.
class StateRows {
 public:
  /// `context` null: a model without states.
  explicit StateRows(StatefulContext* context) : context_(context) {}

  bool active() const { return context_ != nullptr; }

  /// The states of these requests, joined where there are several, are those of the next run.
  void Give(std::span<Request* const> requests);
  /// Takes what the run made of the states of its only request into `states`.
  void Take(std::vector<StateTensor>& states);
  /// The same of one request of a joined run: `rows` rows from `first` on.
  void TakeRows(uint64_t first, uint64_t rows, std::vector<StateTensor>& states);

 private:
  const StateTensor& StateOf(const Request& request, size_t slot);
  void Join(std::span<Request* const> requests, size_t slot);

  StatefulContext* const context_;
  std::vector<StateTensor> initial_;
  std::vector<StateTensor> joined_;
  std::vector<TensorView> views_;
};

uint64_t BytesOf(std::span<const StateTensor> states);

}  // namespace mlos

#endif  // MLOS_ENGINE_STATE_ROWS_H_
