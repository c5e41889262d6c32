#include "capi/msgpack.h"

#include <cmath>
#include <cstring>
#include <utility>

namespace mlos::msgpack {
namespace {

using Kind = Value::Kind;

/// Integers that a double holds exactly.
constexpr double kMaxWhole = 9007199254740992.0;

class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  bool Read(Value& value, int depth);
  bool AtEnd() const { return rest_.empty(); }

 private:
  bool ReadWide(uint8_t head, Value& value, int depth);
  bool ReadNumber(uint8_t head, Value& value);
  bool ReadItems(Kind kind, uint64_t count, Value& value, int depth);
  bool ReadSpan(Kind kind, uint64_t length, Value& value);
  /// The big-endian number in the next bytes.
  bool TakeNumber(int byte_count, uint64_t& number);

  std::string_view rest_;
  size_t values_ = 0;
};

bool Reader::TakeNumber(int byte_count, uint64_t& number) {
  if (rest_.size() < static_cast<size_t>(byte_count)) return false;
  number = 0;
  for (int i = 0; i < byte_count; ++i) {
    number = number << 8 | static_cast<uint8_t>(rest_[static_cast<size_t>(i)]);
  }
  rest_.remove_prefix(static_cast<size_t>(byte_count));
  return true;
}

bool Reader::ReadSpan(Kind kind, uint64_t length, Value& value) {
  if (length > rest_.size()) return false;
  value.kind = kind;
  value.text = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return true;
}

bool Reader::ReadItems(Kind kind, uint64_t count, Value& value, int depth) {
  // A value has at least one byte, so a count beyond the bytes left is a lie.
  if (depth >= kMaxDepth || count > rest_.size()) return false;
  value.kind = kind;
  const uint64_t items = kind == Kind::kMap ? 2 * count : count;
  for (uint64_t i = 0; i < items; ++i) {
    if (!Read(value.items.emplace_back(), depth + 1)) return false;
  }
  return true;
}

bool Reader::Read(Value& value, int depth) {
  uint64_t byte = 0;
  if (++values_ > kMaxValues || !TakeNumber(1, byte)) return false;
  const auto head = static_cast<uint8_t>(byte);
  if (head <= 0x7f || head >= 0xe0) {
    value.kind = Kind::kInteger;
    value.bits = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int8_t>(head)));
    return true;
  }
  if (head <= 0x8f) return ReadItems(Kind::kMap, head & 0x0f, value, depth);
  if (head <= 0x9f) return ReadItems(Kind::kList, head & 0x0f, value, depth);
  if (head <= 0xbf) return ReadSpan(Kind::kText, head & 0x1f, value);
  if (head >= 0xca && head <= 0xd3) return ReadNumber(head, value);
  return ReadWide(head, value, depth);
}

bool Reader::ReadNumber(uint8_t head, Value& value) {
  const bool is_float = head <= 0xcb;
  // 0xca and 0xcb are float32 and float64; then come 1, 2, 4 and 8 bytes without and with a sign.
  const int size = is_float ? (head == 0xca ? 4 : 8) : 1 << ((head - 0xcc) % 4);
  uint64_t bits = 0;
  if (!TakeNumber(size, bits)) return false;
  if (is_float) {
    value.kind = Kind::kFloat;
    if (size == 8) {
      std::memcpy(&value.number, &bits, sizeof value.number);
    } else {
      const auto low = static_cast<uint32_t>(bits);
      float number = 0;
      std::memcpy(&number, &low, sizeof number);
      value.number = static_cast<double>(number);
    }
    return true;
  }
  if (head >= 0xd0) {
    const int unused = 64 - 8 * size;
    bits = static_cast<uint64_t>(static_cast<int64_t>(bits << unused) >> unused);
    value.kind = Kind::kInteger;
  } else {
    value.kind = bits > INT64_MAX ? Kind::kUnsigned : Kind::kInteger;
  }
  value.bits = bits;
  return true;
}

bool Reader::ReadWide(uint8_t head, Value& value, int depth) {
  uint64_t length = 0;
  switch (head) {
    case 0xc0:
      value.kind = Kind::kNil;
      return true;
    case 0xc2:
    case 0xc3:
      value.kind = Kind::kBool;
      value.bits = head & 1;
      return true;
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return TakeNumber(1 << (head - 0xc4), length) && ReadSpan(Kind::kBytes, length, value);
    case 0xd9:
    case 0xda:
    case 0xdb:
      return TakeNumber(1 << (head - 0xd9), length) && ReadSpan(Kind::kText, length, value);
    case 0xdc:
    case 0xdd:
      return TakeNumber(2 << (head - 0xdc), length) && ReadItems(Kind::kList, length, value, depth);
    case 0xde:
    case 0xdf:
      return TakeNumber(2 << (head - 0xde), length) && ReadItems(Kind::kMap, length, value, depth);
    default:  // Extension types and the byte that means nothing.
      return false;
  }
}

}  // namespace

std::optional<int64_t> Value::AsInteger() const {
  if (kind == Kind::kInteger) return static_cast<int64_t>(bits);
  if (kind == Kind::kFloat && std::fabs(number) <= kMaxWhole && std::trunc(number) == number) {
    return static_cast<int64_t>(number);
  }
  return std::nullopt;
}

std::optional<uint64_t> Value::AsUnsigned() const {
  if (kind == Kind::kUnsigned) return bits;
  const std::optional<int64_t> integer = AsInteger();
  if (!integer.has_value() || *integer < 0) return std::nullopt;
  return static_cast<uint64_t>(*integer);
}

std::optional<std::string_view> Value::AsText() const {
  if (kind != Kind::kText) return std::nullopt;
  return text;
}

const Value* Value::Find(std::string_view key) const {
  if (kind != Kind::kMap) return nullptr;
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].AsText() == key) return &items[i + 1];
  }
  return nullptr;
}

std::optional<Value> Decode(std::string_view bytes) {
  Reader reader(bytes);
  Value value;
  if (!reader.Read(value, 0) || !reader.AtEnd()) return std::nullopt;
  return value;
}

void Writer::BigEndian(uint64_t number, int byte_count) {
  for (int i = byte_count - 1; i >= 0; --i) {
    bytes_.push_back(static_cast<char>(number >> (8 * i) & 0xff));
  }
}

void Writer::Head(uint8_t small, uint32_t small_limit, uint8_t wide, uint32_t count) {
  if (count <= small_limit) {
    BigEndian(small | count, 1);
  } else if (count <= UINT16_MAX) {
    BigEndian(wide, 1);
    BigEndian(count, 2);
  } else {
    BigEndian(wide + 1U, 1);
    BigEndian(count, 4);
  }
}

void Writer::Text(std::string_view text) {
  Head(0xa0, 31, 0xda, static_cast<uint32_t>(text.size()));
  bytes_.append(text);
}

void Writer::Unsigned(uint64_t number) {
  if (number <= 0x7f) {
    BigEndian(number, 1);
  } else {
    BigEndian(0xcf, 1);
    BigEndian(number, 8);
  }
}

}  // namespace mlos::msgpack
