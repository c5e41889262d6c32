#ifndef MLOS_NAPI_JS_CALLS_H_
#define MLOS_NAPI_JS_CALLS_H_

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/status.h"
#include "napi/js_thread.h"
#include "napi/setup.h"
#include "shm/tensor_view.h"

namespace mlos::binding {

/// A tensor on its way between a worker thread and JavaScript: a copy, because the worker may leave
/// the run (and its memory) while JavaScript still works on it.
struct JsTensor {
  uint32_t index = 0;
  Dtype dtype = Dtype::kFloat32;
  Shape shape;
  std::vector<std::byte> bytes;
};

/// Whether a run that was asked to end may be left to itself. What holds up JavaScript's thread
/// must not: the next run could not begin either, and nobody would see that the last one still goes
/// on.
enum class JsRuns { kMayBeLeft, kAreAwaited };

/// The runs of one engine's callback models that are under way.
///
/// 1. A worker that waits in Run() is let go by whatever comes first: JavaScript settles the call,
///    somebody cancels it, or Close(). A call that JavaScript has begun with goes on after that.
/// 2. Close() comes before the engine is destroyed, which waits for its workers on the very thread
///    that they wait for.
/// 3. Results that come after their worker has left are dropped.
class JsCalls : public std::enable_shared_from_this<JsCalls> {
 public:
  explicit JsCalls(std::shared_ptr<JsThread> thread) : thread_(std::move(thread)) {}

  /// JavaScript's function of a model: function(call, inputs, outputs). On JavaScript's thread.
  uint64_t AddFunction(const Napi::Function& function);
  /// From any thread.
  void RemoveFunction(uint64_t function);

  /// A number for the next call, which Cancel() knows before Run() does.
  uint64_t NextCall();
  /// Runs `function` on JavaScript's thread and waits. Errors: those that JavaScript gave,
  /// CANCELLED.
  Status Run(uint64_t call, uint64_t function, std::vector<JsTensor> inputs,
             std::vector<uint32_t> outputs, std::vector<JsTensor>& results);
  /// From any thread: Run() of this call returns CANCELLED, now or as soon as it is called; unless
  /// JavaScript has begun with it, and `runs` says that such runs are awaited.
  void Cancel(uint64_t call, JsRuns runs);

  /// On JavaScript's thread: what came of a call. Unknown calls are fine (rule 3).
  void Settle(uint64_t call, std::vector<JsTensor> results);
  void Reject(uint64_t call, Error error);
  /// False: nobody waits for this call any more, so its results need not be read.
  bool IsWaiting(uint64_t call);

  /// On JavaScript's thread: every call is cancelled, later ones at once; functions are forgotten.
  void Close();

 private:
  struct Call {
    bool begun = false;
    bool done = false;
    Status status;
    std::vector<JsTensor> inputs;
    std::vector<uint32_t> outputs;
    std::vector<JsTensor> results;
  };

  void Start(Napi::Env env, uint64_t call, uint64_t function);
  /// With the lock held.
  void Finish(Call& call, Status status, std::vector<JsTensor> results);

  const std::shared_ptr<JsThread> thread_;
  /// JavaScript's thread only.
  std::map<uint64_t, Napi::FunctionReference> functions_;
  uint64_t next_function_ = 1;

  std::mutex mutex_;
  std::condition_variable finished_;
  std::map<uint64_t, Call> calls_;  // guarded by mutex_
  uint64_t next_call_ = 1;          // guarded by mutex_
  bool closed_ = false;             // guarded by mutex_
};

}  // namespace mlos::binding

#endif  // MLOS_NAPI_JS_CALLS_H_
