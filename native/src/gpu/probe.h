#ifndef MLOS_GPU_PROBE_H_
#define MLOS_GPU_PROBE_H_

#include <string>

#include "gpu/device.h"

namespace mlos {

/// One probe per vendor. A driver's library runs inside the caller and can crash or hang it: call
/// these only in a process that may be lost.

/// Through the driver's own library NVML. `library` is what dlopen gets; "" is libnvidia-ml.so.1.
GpuVendorReport ProbeNvidia(const std::string& library);

/// Through `root`/sys/class/drm, as the amdgpu driver fills it. `root` is "" for the host itself.
GpuVendorReport ProbeAmd(const std::string& root);

/// Through `root`/sys/class/drm, as the i915 and xe drivers fill it.
GpuVendorReport ProbeIntel(const std::string& root);

}  // namespace mlos

#endif  // MLOS_GPU_PROBE_H_
