// A stand-in for NVIDIA's libnvidia-ml.so.1, steered by the environment:
//
//   MLOS_FAKE_NVML_DEVICES  how many GPUs there are (default 1)
//   MLOS_FAKE_NVML_MIG      when set, GPU 0 is in MIG mode with two instances in slots 0 and 2
//   MLOS_FAKE_NVML_ERROR    a code that nvmlInit returns
//   MLOS_FAKE_NVML_CRASH    when set, asking for a GPU's name kills the process
//   MLOS_FAKE_NVML_HANG     when set, nvmlInit never returns

#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr int kSuccess = 0;
constexpr int kNotSupported = 3;
constexpr int kNotFound = 6;
// Handles: GPU i is i + 1, MIG slot s of GPU 0 is 100 + s.
constexpr uintptr_t kFirstInstance = 100;
constexpr unsigned long long kGiB = 1ULL << 30;

int NumberFromEnvironment(const char* name, int fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::atoi(text);
}

bool IsInstance(void* device) { return reinterpret_cast<uintptr_t>(device) >= kFirstInstance; }

unsigned IndexOf(void* device) {
  return static_cast<unsigned>(reinterpret_cast<uintptr_t>(device)) - 1;
}

bool HasMig() { return std::getenv("MLOS_FAKE_NVML_MIG") != nullptr; }

}  // namespace

// The layouts that the real library fills in.
struct FakePciInfo {
  char bus_id_legacy[16];
  unsigned domain;
  unsigned bus;
  unsigned device;
  unsigned pci_device_id;
  unsigned pci_subsystem_id;
  char bus_id[32];
};
struct FakeMemory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};
struct FakeUtilization {
  unsigned gpu;
  unsigned memory;
};

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED int nvmlInit_v2() {
  if (std::getenv("MLOS_FAKE_NVML_HANG") != nullptr) {
    for (;;) ::pause();
  }
  return NumberFromEnvironment("MLOS_FAKE_NVML_ERROR", kSuccess);
}

EXPORTED int nvmlShutdown() { return kSuccess; }

EXPORTED const char* nvmlErrorString(int code) {
  return code == 9 ? "Driver Not Loaded" : "Unknown Error";
}

EXPORTED int nvmlSystemGetDriverVersion(char* text, unsigned length) {
  std::snprintf(text, length, "550.54.14");
  return kSuccess;
}

EXPORTED int nvmlSystemGetCudaDriverVersion_v2(int* version) {
  *version = 12040;
  return kSuccess;
}

EXPORTED int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(NumberFromEnvironment("MLOS_FAKE_NVML_DEVICES", 1));
  return kSuccess;
}

EXPORTED int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = reinterpret_cast<void*>(uintptr_t{index} + 1);
  return kSuccess;
}

EXPORTED int nvmlDeviceGetName(void* device, char* text, unsigned length) {
  if (std::getenv("MLOS_FAKE_NVML_CRASH") != nullptr) std::raise(SIGSEGV);
  std::snprintf(text, length, IsInstance(device) ? "Fake GPU MIG 1g.10gb" : "Fake GPU");
  return kSuccess;
}

EXPORTED int nvmlDeviceGetUUID(void* device, char* text, unsigned length) {
  std::snprintf(text, length, IsInstance(device) ? "MIG-%u" : "GPU-%u", IndexOf(device));
  return kSuccess;
}

EXPORTED int nvmlDeviceGetPciInfo_v3(void* device, FakePciInfo* info) {
  std::snprintf(info->bus_id, sizeof info->bus_id, "00000000:%02X:00.0", 0x3b + IndexOf(device));
  return kSuccess;
}

EXPORTED int nvmlDeviceGetMemoryInfo(void* device, FakeMemory* memory) {
  memory->total = IsInstance(device) ? 10 * kGiB : 80 * kGiB;
  memory->free = memory->total / 2;
  memory->used = memory->total / 2;
  return kSuccess;
}

EXPORTED int nvmlDeviceGetUtilizationRates(void* device, FakeUtilization* rates) {
  // A GPU in MIG mode really answers so.
  if (HasMig() && IndexOf(device) == 0) return kNotSupported;
  *rates = {.gpu = 37, .memory = 12};
  return kSuccess;
}

EXPORTED int nvmlDeviceGetTemperature(void* /*device*/, int /*sensor*/, unsigned* celsius) {
  *celsius = 54;
  return kSuccess;
}

EXPORTED int nvmlDeviceGetMigMode(void* device, unsigned* current, unsigned* pending) {
  if (!HasMig()) return kNotSupported;
  *current = *pending = IndexOf(device) == 0 ? 1 : 0;
  return kSuccess;
}

EXPORTED int nvmlDeviceGetMaxMigDeviceCount(void* /*device*/, unsigned* count) {
  *count = 7;
  return kSuccess;
}

EXPORTED int nvmlDeviceGetMigDeviceHandleByIndex(void* /*device*/, unsigned index, void** out) {
  if (index != 0 && index != 2) return kNotFound;
  *out = reinterpret_cast<void*>(kFirstInstance + index);
  return kSuccess;
}
