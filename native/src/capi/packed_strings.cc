#include "capi/packed_strings.h"

#include <cstring>

namespace mlos::capi {

std::optional<uint64_t> PackStrings(const CTexts& texts, std::span<std::byte> out) {
  const size_t count = texts.texts.size();
  if (count > out.size() / kStringLengthBytes) return std::nullopt;
  uint64_t total = count * kStringLengthBytes;
  for (size_t i = 0; i < count; ++i) {
    const size_t length = texts.at(i).size();
    if (length > out.size() - total || length > UINT32_MAX) return std::nullopt;
    total += length;
  }
  std::byte* text_at = out.data() + count * kStringLengthBytes;
  for (size_t i = 0; i < count; ++i) {
    const std::string_view text = texts.at(i);
    const auto length = static_cast<uint32_t>(text.size());
    std::memcpy(out.data() + i * kStringLengthBytes, &length, sizeof length);
    std::memcpy(text_at, text.data(), text.size());
    text_at += text.size();
  }
  return total;
}

bool UnpackStrings(std::span<const std::byte> packed, std::span<const char*> texts,
                   size_t* lengths) {
  if (texts.size() > packed.size() / kStringLengthBytes) return false;
  uint64_t at = texts.size() * kStringLengthBytes;
  for (size_t i = 0; i < texts.size(); ++i) {
    uint32_t length = 0;
    std::memcpy(&length, packed.data() + i * kStringLengthBytes, sizeof length);
    if (length > packed.size() - at) return false;
    texts[i] = reinterpret_cast<const char*>(packed.data()) + at;
    lengths[i] = length;
    at += length;
  }
  return at == packed.size();
}

}  // namespace mlos::capi
