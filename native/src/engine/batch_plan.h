#ifndef MLOS_ENGINE_BATCH_PLAN_H_
#define MLOS_ENGINE_BATCH_PLAN_H_

#include <cstdint>

#include "engine/request.h"
#include "engine/runner.h"

namespace mlos {

/// The most bytes of inputs that are joined in one run. Beyond it a copy costs more than a joined
/// run can gain, and a batch of large tensors would need that memory twice.
constexpr uint64_t kMaxBatchBytes = uint64_t{64} << 20;

/// Which requests of a model may run together: rows along dimension 0 of every tensor.
struct BatchPlan {
  /// Every input and output has a dynamic first dimension that means the same, and none is a
  /// string.
  bool fits = false;
  /// All other dimensions of the inputs are fixed, and none is a single number: inputs can be made
  /// up without having seen one.
  bool shapes_known = false;
  /// Some input is a single number.
  bool has_singles = false;
};

/// An input that is one number and has no rows, such as a rate: requests in which it is the same
/// can share a run.
bool IsSingle(const ValueSpec& input);

/// 1. All inputs that are no single number, of which there is one at least: dimension 0 dynamic,
/// its
///    names all the same or all absent.
/// 2. That name appears in no other place: a square output [N,N] has no rows to give back.
/// 3. All outputs: dimension 0 dynamic and not named like another dimension of an input. Exporters
///    often name an output's batch dimension anew, so a name of its own is let pass here; measuring
///    and each joined run check that the rows come out.
BatchPlan PlanBatches(const ModelSignature& signature);

/// Rows of a request whose inputs agree about them, at least 1; else 0: it runs alone.
uint64_t RowsOf(const BatchPlan& plan, const ModelSignature& signature, const Request& request);

/// Copies single numbers to where their client cannot change them: whether two are the same has to
/// stay true, for one of them serves both.
void KeepSingles(const ModelSignature& signature, Request& request);

/// Whether two requests (with rows) can share a run: same outputs wanted, same single numbers, same
/// dimensions but the first. Dtypes are the signature's.
bool CanJoin(const ModelSignature& signature, const Request& a, const Request& b);

}  // namespace mlos

#endif  // MLOS_ENGINE_BATCH_PLAN_H_
