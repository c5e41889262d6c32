#include <cstdlib>

#include "check.h"
#include "gpu/probe.h"

namespace mlos {
namespace {

/// Sets a variable of the environment for the length of a test.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { ::unsetenv(name_); }

 private:
  const char* name_;
};

/// The fake library; the runner says where it has put it.
std::string FakeNvml() {
  const char* path = std::getenv("MLOS_FAKE_NVML");
  return path == nullptr ? "" : path;
}

void WriteCard(const test::TempFolder& root, const std::string& card, const std::string& vendor) {
  root.Write("sys/class/drm/" + card + "/device/vendor", vendor + "\n");
  root.Write("sys/class/drm/" + card + "/device/uevent",
             "DRIVER=somegpu\nPCI_ID=1002:744C\nPCI_SLOT_NAME=0000:03:00.0\n");
}

}  // namespace

MLOS_TEST(nvidia_reads_every_fact) {
  const Environment devices("MLOS_FAKE_NVML_DEVICES", "2");
  const GpuVendorReport report = ProbeNvidia(FakeNvml());
  CHECK(!report.reason);
  CHECK_EQ(report.driver_version, std::optional<std::string>("550.54.14"));
  CHECK_EQ(report.cuda_version, std::optional<std::string>("12.4"));
  REQUIRE(report.devices.size() == 2);
  const GpuDevice& device = report.devices[1];
  CHECK_EQ(device.index, 1);
  CHECK_EQ(device.name, std::optional<std::string>("Fake GPU"));
  CHECK_EQ(device.uuid, std::optional<std::string>("GPU-1"));
  CHECK_EQ(device.pci_bus_id, std::optional<std::string>("0000:3c:00.0"));
  CHECK_EQ(device.memory_total_bytes, std::optional(uint64_t{80} << 30));
  CHECK_EQ(device.memory_free_bytes, std::optional(uint64_t{40} << 30));
  CHECK_EQ(device.utilization_gpu_percent, std::optional<uint64_t>(37));
  CHECK_EQ(device.utilization_memory_percent, std::optional<uint64_t>(12));
  CHECK_EQ(device.temperature_celsius, std::optional(54.0));
  CHECK(!device.mig_enabled);
  CHECK(device.instances.empty());
}

MLOS_TEST(nvidia_lists_mig_instances_with_gaps) {
  const Environment devices("MLOS_FAKE_NVML_DEVICES", "2");
  const Environment mig("MLOS_FAKE_NVML_MIG", "1");
  const GpuVendorReport report = ProbeNvidia(FakeNvml());
  REQUIRE(report.devices.size() == 2);
  CHECK_EQ(report.devices[0].mig_enabled, std::optional(true));
  CHECK(!report.devices[0].utilization_gpu_percent);
  REQUIRE(report.devices[0].instances.size() == 2);
  CHECK_EQ(report.devices[0].instances[1].uuid, std::optional<std::string>("MIG-101"));
  CHECK_EQ(report.devices[0].instances[1].memory_total_bytes, std::optional(uint64_t{10} << 30));
  CHECK_EQ(report.devices[1].mig_enabled, std::optional(false));
}

MLOS_TEST(nvidia_says_why_there_is_none) {
  {
    const Environment error("MLOS_FAKE_NVML_ERROR", "9");
    const auto reason = ProbeNvidia(FakeNvml()).reason;
    CHECK_EQ(reason, std::optional<std::string>("nvmlInit failed with 9 (Driver Not Loaded)"));
  }
  const Environment none("MLOS_FAKE_NVML_DEVICES", "0");
  CHECK(ProbeNvidia(FakeNvml()).reason);
  CHECK(ProbeNvidia("/nonexistent/libnvidia-ml.so.1").reason);
  CHECK(ProbeNvidia("libc.so.6").reason);  // a library, but not this one
}

MLOS_TEST(amd_reads_sysfs) {
  const test::TempFolder root;
  WriteCard(root, "card1", "0x1002");
  WriteCard(root, "card0", "0x8086");
  root.Write("sys/class/drm/card1-DP-1/device/vendor", "0x1002\n");
  const std::string device_folder = "sys/class/drm/card1/device/";
  root.Write(device_folder + "mem_info_vram_total", "25753026560\n");
  root.Write(device_folder + "mem_info_vram_used", "1000000\n");
  root.Write(device_folder + "gpu_busy_percent", "12\n");
  root.Write(device_folder + "hwmon/hwmon3/temp1_input", "47500\n");
  root.Write(device_folder + "unique_id", "a1b2c3d4\n");
  root.Write("sys/module/somegpu/version", "6.8.5\n");
  const GpuVendorReport report = ProbeAmd(root.path());
  CHECK(!report.reason);
  CHECK_EQ(report.driver_version, std::optional<std::string>("6.8.5"));
  REQUIRE(report.devices.size() == 1);
  const GpuDevice& device = report.devices[0];
  CHECK_EQ(device.index, 1);
  CHECK_EQ(device.name, std::optional<std::string>("1002:744C"));
  CHECK_EQ(device.pci_bus_id, std::optional<std::string>("0000:03:00.0"));
  CHECK_EQ(device.memory_total_bytes, std::optional<uint64_t>(25753026560));
  CHECK_EQ(device.memory_free_bytes, std::optional<uint64_t>(25752026560));
  CHECK_EQ(device.utilization_gpu_percent, std::optional<uint64_t>(12));
  CHECK_EQ(device.temperature_celsius, std::optional(47.5));
  CHECK(!device.utilization_memory_percent);
}

MLOS_TEST(intel_reads_sysfs_and_leaves_unknown_unknown) {
  const test::TempFolder root;
  WriteCard(root, "card0", "0x8086");
  const GpuVendorReport report = ProbeIntel(root.path());
  REQUIRE(report.devices.size() == 1);
  CHECK(!report.devices[0].memory_total_bytes);
  CHECK(!report.devices[0].temperature_celsius);
  CHECK(ProbeAmd(root.path()).reason);
  CHECK(ProbeIntel("/nonexistent").reason);
}

}  // namespace mlos
