#include "engine/engine.h"

#include <sys/epoll.h>

#include <atomic>
#include <cerrno>

#include "engine/alarm.h"
#include "engine/channel_table.h"
#include "engine/control_link.h"
#include "engine/kernel_side.h"
#include "engine/model_table.h"
#include "engine/monitor.h"
#include "engine/monitor_event.h"
#include "engine/pipeline_runner.h"
#include "engine/shared_runner.h"
#include "shm/status_code.h"

namespace mlos {
namespace {

/// Of an error that has no number of its own: what came from the daemon was wrong.
ControlLink::Reply Refusal(const Error& error) {
  const layout::StatusCode known = StatusOfName(error.code);
  return {known == layout::kInternal ? layout::kInvalidArgument : known,
          error.code + ": " + error.message};
}

Error NotFound(uint32_t handle) {
  return CodedError("MODEL_NOT_FOUND", "no model has the handle " + std::to_string(handle));
}

}  // namespace

/// Owns the parts and joins them; has no work of its own.
class Engine::Impl {
 public:
  Impl(UniqueFd timer, int epoll, const EngineOptions& options)
      : alarm_(std::move(timer)),
        epoll_(epoll),
        kernel_(options.reserved_cpus, options.lock_memory, ReadCpuTopology("")),
        spin_us_(options.spin_us),
        channels_(models_, epoll, options.lock_memory) {}

  Status Start(UniqueFd control, UniqueFd epoll) {
    Monitor::Parts parts{.epoll = std::move(epoll),
                         .alarm = &alarm_,
                         .models = &models_,
                         .channels = &channels_,
                         .control = nullptr};
    if (control.valid()) {
      parts.control = std::make_unique<ControlLink>(
          std::move(control), [this](const layout::ControlMessage& message,
                                     std::vector<UniqueFd> fds) { return Obey(message, fds); });
    }
    Result<std::unique_ptr<Monitor>> monitor = Monitor::Start(std::move(parts));
    if (!monitor.ok()) return monitor.error();
    monitor_ = std::move(monitor).value();
    return {};
  }

  Result<AddedModel> Add(const OpenRunner& open, const ModelOptions& options) {
    const std::optional<ModelTable::Place> place = models_.Reserve();
    if (!place) {
      return CodedError("TOO_MANY_REQUESTS", "An engine holds at most " +
                                                 std::to_string(layout::kMaxModels) + " models.");
    }
    const LoadedModel::Request request{.handle = place->handle,
                                       .options = options,
                                       .kernel = &kernel_,
                                       .spin_us = spin_us_,
                                       .row = place->row};
    Result<std::shared_ptr<LoadedModel>> loaded =
        LoadedModel::Load(open, request, {.alarm = alarm_, .monitor_epoll = epoll_});
    if (!loaded.ok()) {
      models_.Release(place->handle);
      return loaded.error();
    }
    const std::shared_ptr<LoadedModel> model = std::move(loaded).value();
    const Status watched = Register(*model);
    if (!watched.ok()) {
      End(*model, layout::kShuttingDown);
      return watched.error();
    }
    models_.Insert(model);
    return model->facts();
  }

  Result<AddedModel> AddPipeline(const PipelineSpec& spec, const ModelOptions& options) {
    std::vector<std::shared_ptr<Runner>> steps;
    for (const PipelineSpec::Step& step : spec.steps) {
      const ModelTable::Entry model = models_.Find(step.handle);
      if (model == nullptr || model->keeps_states()) {
        return CodedError("MODEL_LOAD_FAILED",
                          "The pipeline's step " + step.name + " is not loaded, or keeps a state.");
      }
      steps.push_back(model->runner());
    }
    return Add([&] { return MakePipelineRunner(spec, std::move(steps)); }, options);
  }

  Result<AddedModel> AddShared(uint32_t handle, const ModelOptions& options) {
    const ModelTable::Entry model = models_.Find(handle);
    if (model == nullptr) return NotFound(handle);
    const std::shared_ptr<Runner> runner = model->runner();
    const OpenRunner open = [&] {
      return Result<std::unique_ptr<Runner>>(std::make_unique<SharedRunner>(runner));
    };
    ModelOptions part = options;
    const uint32_t whole = model->model().options().part_of;
    part.part_of = whole == 0 ? handle : whole;
    return Add(open, part);
  }

  Status Remove(uint32_t handle, layout::StatusCode code) {
    const ModelTable::Entry model = models_.Find(handle);
    if (model == nullptr) return NotFound(handle);
    if (!model->ClaimEnd()) return {};  // somebody else removes it at the same time
    // It stays in the table until its runs are over, so that their deadlines are kept.
    End(*model, code);
    channels_.CloseAllOf(handle, code);
    return {};
  }

  Status OpenOwn(OwnChannel channel) {
    const auto opened = channels_.Open({.channel_id = channel.id,
                                        .handle = channel.handle,
                                        .most_urgent = layout::kRealtime,
                                        .shares_sequences = false},
                                       {.response_region = std::move(channel.response_region),
                                        .bell = std::move(channel.bell),
                                        .socket = std::move(channel.socket)});
    if (!opened.ok()) return opened.error();
    return {};
  }

  Status ActivateOwn(uint64_t id, UniqueFd request_region) {
    const auto done = channels_.Activate(id, std::move(request_region));
    if (!done.ok()) return done.error();
    return {};
  }

  void Shutdown() {
    for (const ModelTable::Entry& model : models_.All()) {
      // Fails only where somebody else has removed it meanwhile.
      [[maybe_unused]] const Status removed =
          Remove(model->facts().handle, layout::kPluginUnavailable);
    }
    channels_.CloseAll(layout::kPluginUnavailable);
    monitor_.reset();
  }

 private:
  Status Register(LoadedModel& model) const {
    epoll_event event{};
    // Muted: only while it leads does the monitor want to hear of rings.
    event.events = 0;
    event.data.u64 = MonitorEvent(MonitorEventKind::kModel, model.facts().handle);
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, model.model().channels().fd(), &event) == 0) return {};
    return SystemError("epoll_ctl", errno, "cannot watch a model");
  }

  void End(LoadedModel& model, layout::StatusCode code) {
    model.model().Stop(code);
    model.Join();
    models_.Take(model.facts().handle);
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, model.model().channels().fd(), nullptr);
    models_.Release(model.facts().handle);
  }

  ControlLink::Reply Obey(const layout::ControlMessage& message, std::vector<UniqueFd>& fds) {
    switch (message.kind) {
      case layout::kStartEngine:
        return StartStats(message, std::move(fds[0]));
      case layout::kOpenChannel:
        return Open(message, fds);
      case layout::kActivateChannel: {
        const auto done = channels_.Activate(message.channel_id, std::move(fds[0]));
        if (!done.ok()) return Refusal(done.error());
        return {layout::kOk, done.value()};
      }
      default:
        if (!IsStatus(message.argument2) || message.argument2 == layout::kOk) {
          return {layout::kInvalidArgument, "a channel is closed with the code of an error"};
        }
        channels_.Close(message.channel_id, static_cast<layout::StatusCode>(message.argument2));
        return {layout::kOk, ""};
    }
  }

  ControlLink::Reply StartStats(const layout::ControlMessage& message, UniqueFd region) {
    const Status adopted = models_.AdoptStats(std::move(region));
    if (!adopted.ok()) return Refusal(adopted.error());
    spin_us_ = message.argument;
    return {layout::kOk, ""};
  }

  ControlLink::Reply Open(const layout::ControlMessage& message, std::vector<UniqueFd>& fds) {
    const uint32_t priority = message.argument2 & ~layout::kSharesSequences;
    if (priority >= layout::kPriorities) {
      return {layout::kInvalidArgument, "no such priority: " + std::to_string(priority)};
    }
    const auto opened =
        channels_.Open({.channel_id = message.channel_id,
                        .handle = message.argument,
                        .most_urgent = static_cast<layout::Priority>(priority),
                        .shares_sequences = (message.argument2 & layout::kSharesSequences) != 0},
                       {.response_region = std::move(fds[0]),
                        .bell = std::move(fds[1]),
                        .socket = std::move(fds[2])});
    if (!opened.ok()) return Refusal(opened.error());
    return {layout::kOk, opened.value()};
  }

  Alarm alarm_;
  /// The monitor's.
  const int epoll_;
  const KernelSide kernel_;
  std::atomic<uint32_t> spin_us_;
  ModelTable models_;
  ChannelTable channels_;
  std::unique_ptr<Monitor> monitor_;
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() { impl_->Shutdown(); }

Result<std::unique_ptr<Engine>> Engine::Start(UniqueFd control, const EngineOptions& options) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return SystemError("epoll_create1", errno, "cannot start the engine");
  Result<UniqueFd> timer = Alarm::CreateTimer();
  if (!timer.ok()) return timer.error();
  auto impl = std::make_unique<Impl>(std::move(timer).value(), epoll.get(), options);
  const Status started = impl->Start(std::move(control), std::move(epoll));
  if (!started.ok()) return started.error();
  // make_unique cannot reach a private constructor.
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Result<AddedModel> Engine::AddModel(const std::function<Result<std::unique_ptr<Runner>>()>& open,
                                    const ModelOptions& options) {
  return impl_->Add(open, options);
}

Result<AddedModel> Engine::AddPipeline(const PipelineSpec& spec, const ModelOptions& options) {
  return impl_->AddPipeline(spec, options);
}

Result<AddedModel> Engine::AddShared(uint32_t handle, const ModelOptions& options) {
  return impl_->AddShared(handle, options);
}

Status Engine::RemoveModel(uint32_t handle, layout::StatusCode code) {
  return impl_->Remove(handle, code);
}

Status Engine::OpenOwnChannel(OwnChannel channel) { return impl_->OpenOwn(std::move(channel)); }

Status Engine::ActivateOwnChannel(uint64_t id, UniqueFd request_region) {
  return impl_->ActivateOwn(id, std::move(request_region));
}

}  // namespace mlos
