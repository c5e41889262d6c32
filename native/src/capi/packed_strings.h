#ifndef MLOS_CAPI_PACKED_STRINGS_H_
#define MLOS_CAPI_PACKED_STRINGS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mlos::capi {

/// The form of string tensors in shared memory (layout.h): one uint32 length per element, then the
/// bytes of all.
inline constexpr uint64_t kStringLengthBytes = 4;

/// Texts that a C program gives: `lengths` nullptr, and each ends with a NUL.
struct CTexts {
  std::span<const char* const> texts;
  const size_t* lengths = nullptr;

  std::string_view at(size_t index) const {
    return lengths == nullptr ? std::string_view(texts[index])
                              : std::string_view(texts[index], lengths[index]);
  }
};

/// Writes `texts` to the front of `out`; returns the bytes used, nullopt (and nothing is written)
/// where they do not fit.
std::optional<uint64_t> PackStrings(const CTexts& texts, std::span<std::byte> out);

/// Where each text lies. False where lengths and bytes do not agree. Another process may change the
/// lengths meanwhile: each is read once, and every text lies inside `packed` in any case.
bool UnpackStrings(std::span<const std::byte> packed, std::span<const char*> texts,
                   size_t* lengths);

}  // namespace mlos::capi

#endif  // MLOS_CAPI_PACKED_STRINGS_H_
