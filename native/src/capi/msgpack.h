#ifndef MLOS_CAPI_MSGPACK_H_
#define MLOS_CAPI_MSGPACK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// As much MessagePack as the frames of the IPC socket need. The reader believes nothing that a
/// frame announces: memory grows only with bytes that are really there.
namespace mlos::msgpack {

/// Nesting and number of values of one frame; beyond them it is refused.
inline constexpr int kMaxDepth = 32;
inline constexpr size_t kMaxValues = 100'000;

/// One value. Texts and bytes point into the frame that was decoded.
struct Value {
  enum class Kind { kNil, kBool, kInteger, kUnsigned, kFloat, kText, kBytes, kList, kMap };

  Kind kind = Kind::kNil;
  /// kBool: 0 or 1; kInteger: two's complement; kUnsigned: above INT64_MAX.
  uint64_t bits = 0;
  double number = 0;
  std::string_view text;
  /// Of a map: key, value, key, value …
  std::vector<Value> items;

  bool IsNil() const { return kind == Kind::kNil; }
  bool IsList() const { return kind == Kind::kList; }
  /// The number where it is an integer that fits; a whole float too, as JavaScript writes integers
  /// beyond 32 bits.
  std::optional<int64_t> AsInteger() const;
  std::optional<uint64_t> AsUnsigned() const;
  std::optional<std::string_view> AsText() const;
  /// A member of a map; nullptr where there is none or this is no map.
  const Value* Find(std::string_view key) const;
};

/// The one value that `bytes` consist of; nullopt for anything malformed, too deep, too many,
/// extension types, or bytes left over.
std::optional<Value> Decode(std::string_view bytes);

/// Appends values to a text; lists and maps are announced and then filled in by the caller.
class Writer {
 public:
  void List(uint32_t count) { Head(0x90, 15, 0xdc, count); }
  void Map(uint32_t count) { Head(0x80, 15, 0xde, count); }
  void Text(std::string_view text);
  void Unsigned(uint64_t number);

  const std::string& bytes() const { return bytes_; }

 private:
  /// A short form with the count in its low bits, or a long one with 2 or 4 bytes of count.
  void Head(uint8_t small, uint32_t small_limit, uint8_t wide, uint32_t count);
  void BigEndian(uint64_t number, int byte_count);

  std::string bytes_;
};

}  // namespace mlos::msgpack

#endif  // MLOS_CAPI_MSGPACK_H_
