#include "shm/packed_strings.h"

#include <cstring>

namespace mlos {
Status UnpackStrings(std::span<const std::byte> packed, uint64_t count,
                     std::vector<std::string_view>& strings) {
  strings.clear();
  if (count > packed.size() / sizeof(uint32_t)) {
    return CodedError("INVALID_VALUE", "a string tensor is shorter than its table of lengths");
  }
  strings.reserve(count);
  std::span<const std::byte> text = packed.subspan(count * sizeof(uint32_t));
  for (uint64_t i = 0; i < count; ++i) {
    uint32_t length = 0;
    std::memcpy(&length, packed.data() + i * sizeof length, sizeof length);
    if (length > text.size())
      return CodedError("INVALID_VALUE", "a string is longer than its tensor");
    strings.emplace_back(reinterpret_cast<const char*>(text.data()), length);
    text = text.subspan(length);
  }
  if (!text.empty())
    return CodedError("INVALID_VALUE", "a string tensor is longer than its strings");
  return {};
}

uint64_t PackedBytes(std::span<const std::string_view> strings) {
  uint64_t bytes = strings.size() * sizeof(uint32_t);
  for (const std::string_view string : strings) bytes += string.size();
  return bytes;
}

void PackStrings(std::span<const std::string_view> strings, std::span<std::byte> packed) {
  std::byte* length_at = packed.data();
  std::byte* text_at = packed.data() + strings.size() * sizeof(uint32_t);
  for (const std::string_view string : strings) {
    const auto length = static_cast<uint32_t>(string.size());
    std::memcpy(length_at, &length, sizeof length);
    if (length > 0) std::memcpy(text_at, string.data(), length);
    length_at += sizeof length;
    text_at += length;
  }
}

}  // namespace mlos
