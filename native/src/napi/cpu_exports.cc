#include <unistd.h>

#include <limits>

#include "cpu/affinity.h"
#include "cpu/scheduling.h"
#include "cpu/topology.h"
#include "napi/bounds.h"
#include "napi/exports.h"
#include "napi/translate_error.h"
#include "napi/values.h"

namespace mlos::binding {
namespace {

constexpr int64_t kMaxPriority = 99;

/// The first two arguments of every setting: (isThread, id), id 0 for the caller.
CpuTarget ReadTarget(const Napi::CallbackInfo& info) {
  const bool is_thread = ReadBoolean(info[0], "isThread");
  const int64_t id = ReadInteger(info[1], "id", 0, std::numeric_limits<pid_t>::max());
  return {.kind = is_thread ? CpuTarget::Kind::kThread : CpuTarget::Kind::kProcess,
          .id = static_cast<pid_t>(id)};
}

template <typename T, typename Convert>
Napi::Value ToArray(Napi::Env env, const std::vector<T>& items, Convert convert) {
  Napi::Array array = Napi::Array::New(env, items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    array.Set(static_cast<uint32_t>(i), convert(env, items[i]));
  }
  return array;
}

Napi::Value ToObject(Napi::Env env, const LogicalCpu& cpu) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", ToValue(env, cpu.id));
  object.Set("packageId", ToValue(env, cpu.package_id));
  object.Set("coreId", ToValue(env, cpu.core_id));
  object.Set("numaNode", ToValue(env, cpu.numa_node));
  object.Set("threadSiblings", ToValue(env, cpu.thread_siblings));
  return object;
}

Napi::Value ToObject(Napi::Env env, const NumaNode& node) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", ToValue(env, node.id));
  object.Set("cpus", ToValue(env, node.cpus));
  object.Set("memoryTotalBytes", ToValue(env, node.memory_total_bytes));
  object.Set("memoryFreeBytes", ToValue(env, node.memory_free_bytes));
  return object;
}

Napi::Value ToObject(Napi::Env env, const CpuCache& cache) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("level", ToValue(env, cache.level));
  object.Set("type", ToValue(env, cache.type));
  object.Set("sizeBytes", ToValue(env, cache.size_bytes));
  object.Set("sharedCpus", ToValue(env, cache.shared_cpus));
  return object;
}

/// cpuTopology(root) -> {modelName, online, cpus, numaNodes, caches}
Napi::Value CpuTopologyOf(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const CpuTopology topology = ReadCpuTopology(ReadString(info[0], "root"));
  const auto convert = [](Napi::Env to, const auto& item) { return ToObject(to, item); };
  Napi::Object object = Napi::Object::New(env);
  object.Set("modelName", ToValue(env, topology.model_name));
  object.Set("online", ToValue(env, topology.online));
  object.Set("cpus", ToArray(env, topology.cpus, convert));
  object.Set("numaNodes", ToArray(env, topology.numa_nodes, convert));
  object.Set("caches", ToArray(env, topology.caches, convert));
  return object;
}

/// affinityRead(isThread, id) -> processors
Napi::Value AffinityRead(const Napi::CallbackInfo& info) {
  return ToValue(info.Env(), Unwrap(info.Env(), ReadAffinity(ReadTarget(info))));
}

/// affinityWrite(isThread, id, processors)
Napi::Value AffinityWrite(const Napi::CallbackInfo& info) {
  const CpuTarget target = ReadTarget(info);
  Check(info.Env(), WriteAffinity(target, ReadIntList(info[2], "cpus", kMaxCpus)));
  return info.Env().Undefined();
}

/// schedulingRead(isThread, id) -> {policy, priority}, or null for a policy without a name here
Napi::Value SchedulingRead(const Napi::CallbackInfo& info) {
  const auto scheduling = Unwrap(info.Env(), ReadScheduling(ReadTarget(info)));
  if (!scheduling) return info.Env().Null();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("policy", ToValue(info.Env(), std::string(PolicyName(scheduling->policy))));
  object.Set("priority", ToValue(info.Env(), scheduling->priority));
  return object;
}

/// schedulingWrite(isThread, id, policy, priority)
Napi::Value SchedulingWrite(const Napi::CallbackInfo& info) {
  const CpuTarget target = ReadTarget(info);
  const auto policy = PolicyFromName(ReadString(info[2], "policy"));
  if (!policy) ThrowInvalid(info.Env(), "policy must be other, batch, idle, fifo or rr");
  const auto priority = static_cast<int>(ReadInteger(info[3], "priority", 0, kMaxPriority));
  Check(info.Env(), WriteScheduling(target, {.policy = *policy, .priority = priority}));
  return info.Env().Undefined();
}

/// niceRead(isThread, id) -> -20..19
Napi::Value NiceRead(const Napi::CallbackInfo& info) {
  return ToValue(info.Env(), Unwrap(info.Env(), ReadNice(ReadTarget(info))));
}

/// niceWrite(isThread, id, nice)
Napi::Value NiceWrite(const Napi::CallbackInfo& info) {
  const CpuTarget target = ReadTarget(info);
  constexpr int64_t kLimit = 1000;  // the exact bounds are WriteNice's
  const auto nice = static_cast<int>(ReadInteger(info[2], "nice", -kLimit, kLimit));
  Check(info.Env(), WriteNice(target, nice));
  return info.Env().Undefined();
}

/// currentThreadId() -> the kernel's id of the calling thread
Napi::Value CurrentThreadId(const Napi::CallbackInfo& info) {
  return ToValue(info.Env(), static_cast<int>(::gettid()));
}

}  // namespace

void ExportCpu(Napi::Env env, Napi::Object exports) {
  ExportFunction<CpuTopologyOf>(env, exports, "cpuTopology");
  ExportFunction<AffinityRead>(env, exports, "affinityRead");
  ExportFunction<AffinityWrite>(env, exports, "affinityWrite");
  ExportFunction<SchedulingRead>(env, exports, "schedulingRead");
  ExportFunction<SchedulingWrite>(env, exports, "schedulingWrite");
  ExportFunction<NiceRead>(env, exports, "niceRead");
  ExportFunction<NiceWrite>(env, exports, "niceWrite");
  ExportFunction<CurrentThreadId>(env, exports, "currentThreadId");
}

}  // namespace mlos::binding
