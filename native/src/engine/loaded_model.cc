#include "engine/loaded_model.h"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <future>
#include <system_error>

#include "base/block_signals.h"

namespace mlos {
namespace {

/// However much is asked for: a realtime thread must leave the CPU to others soon.
constexpr uint32_t kMostSpinUs = 1000;

std::string ThreadName(uint32_t handle) { return "mlos-model-" + std::to_string(handle % 10'000); }

uint32_t SpinOf(const LoadedModel::Request& request) {
  // Batch work does not mind waking up late; others mind its spinning.
  return request.options.priority == layout::kBatch ? 0 : std::min(request.spin_us, kMostSpinUs);
}

}  // namespace

LoadedModel::LoadedModel(const Request& request, const ModelSurroundings& around,
                         std::unique_ptr<ChannelSet> channels)
    : spin_us_(SpinOf(request)),
      model_(request.handle, request.options, around, std::move(channels), request.row) {
  facts_.handle = request.handle;
}

LoadedModel::~LoadedModel() { Join(); }

void LoadedModel::Join() {
  if (first_.joinable()) first_.join();
  for (std::thread& follower : followers_) {
    if (follower.joinable()) follower.join();
  }
}

Result<std::shared_ptr<LoadedModel>> LoadedModel::Load(const OpenRunner& open,
                                                       const Request& request,
                                                       const ModelSurroundings& around) {
  Result<std::unique_ptr<ChannelSet>> channels = ChannelSet::Create();
  if (!channels.ok()) return channels.error();
  // make_shared cannot reach a private constructor.
  std::shared_ptr<LoadedModel> loaded(
      new LoadedModel(request, around, std::move(channels).value()));
  std::promise<Status> opened;
  const BlockAllSignals blocked;
  try {
    loaded->first_ = std::thread([&open, &request, &opened, self = loaded.get()] {
      self->FirstThread(open, *request.kernel,
                        [&](Status status) { opened.set_value(std::move(status)); });
    });
  } catch (const std::system_error& failure) {
    return SystemError("pthread_create", failure.code().value(), "cannot start a worker");
  }
  const Status status = opened.get_future().get();
  if (!status.ok()) {
    loaded->model_.Stop(layout::kShuttingDown);
    loaded->Join();
    return status.error();
  }
  return loaded;
}

void LoadedModel::FirstThread(const OpenRunner& open, const KernelSide& kernel,
                              const std::function<void(Status)>& opened) {
  ::pthread_setname_np(::pthread_self(), ThreadName(facts_.handle).c_str());
  Status status;
  try {
    status = Open(open, kernel);
  } catch (const std::exception& failure) {
    status = CodedError("INTERNAL", std::string("The model cannot be loaded: ") + failure.what());
  }
  const bool ok = status.ok();
  // `open`, `kernel` and `opened` are gone after this.
  opened(std::move(status));
  if (ok) workers_.front()->Main();
}

Status LoadedModel::Open(const OpenRunner& open, const KernelSide& kernel) {
  const ModelOptions& options = model_.options();
  facts_.measures = kernel.ApplyToThisThread(options.priority, options.cpus);
  Result<std::unique_ptr<Runner>> runner = open();
  if (!runner.ok()) return runner.error();
  runner_ = std::move(runner).value();
  facts_.signature = runner_->signature();
  if (!options.states.empty()) {
    Result<StatePlan> plan = StatePlan::Make(runner_->signature(), options.states);
    if (!plan.ok()) return plan.error();
    states_ = std::make_unique<StatePlan>(std::move(plan).value());
    facts_.signature = states_->visible();
  }
  facts_.runner = runner_->description();
  const Status made = MakeWorkers();
  if (!made.ok()) return made;
  Measure();
  return StartFollowers();
}

Status LoadedModel::MakeWorkers() {
  const uint32_t count = std::clamp(model_.options().instances, 1U, layout::kMaxWorkers);
  for (uint32_t i = 0; i < count; ++i) {
    Result<std::unique_ptr<RunContext>> context = runner_->CreateContext();
    if (!context.ok()) return context.error();
    std::unique_ptr<RunContext> run = std::move(context).value();
    StatefulContext* stateful = nullptr;
    if (states_) {
      auto with_states = std::make_unique<StatefulContext>(*states_, std::move(run));
      stateful = with_states.get();
      run = std::move(with_states);
    }
    workers_.push_back(std::make_unique<Worker>(
        model_, facts_.signature, Worker::Context{std::move(run), stateful}, i, spin_us_));
  }
  const ModelOptions& options = model_.options();
  model_.stats().Describe(options.priority, count, options.intra_op_threads, options.part_of);
  return {};
}

void LoadedModel::Measure() {
  const ModelSignature& signature = facts_.signature;
  const bool joins = states_ == nullptr || states_->joins();
  auto tuner = std::make_unique<AutoTuner>(signature, model_.options().batching, joins);
  if (!tuner->done() && PlanBatches(signature).shapes_known) tuner->UseMadeUp();
  while (tuner->can_step()) tuner->Step(workers_.front()->context());
  model_.Prepare(signature, states_.get(), std::move(tuner));
}

Status LoadedModel::StartFollowers() {
  try {
    for (size_t i = 1; i < workers_.size(); ++i) {
      followers_.emplace_back([this, i] {
        ::pthread_setname_np(::pthread_self(), ThreadName(facts_.handle).c_str());
        workers_[i]->Main();
      });
    }
  } catch (const std::system_error& failure) {
    return SystemError("pthread_create", failure.code().value(), "cannot start a worker");
  }
  return {};
}

}  // namespace mlos
