#ifndef MLOS_SHM_PACKED_STRINGS_H_
#define MLOS_SHM_PACKED_STRINGS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace mlos {

/// The elements of a string tensor: one uint32 length for each, then the bytes of all.

/// Views into `packed`, which nobody else may be writing: copy a tensor of another process first.
/// Errors: INVALID_VALUE unless the lengths add up to exactly the bytes that follow them.
Status UnpackStrings(std::span<const std::byte> packed, uint64_t count,
                     std::vector<std::string_view>& strings);

/// Bytes that the strings take packed.
uint64_t PackedBytes(std::span<const std::string_view> strings);
/// `packed`: exactly PackedBytes(strings) long. Each string shorter than 2^32 bytes.
void PackStrings(std::span<const std::string_view> strings, std::span<std::byte> packed);

}  // namespace mlos

#endif  // MLOS_SHM_PACKED_STRINGS_H_
