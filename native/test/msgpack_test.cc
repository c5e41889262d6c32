#include "capi/msgpack.h"

#include <random>

#include "check.h"

namespace mlos::msgpack {
namespace {

using Kind = Value::Kind;
using std::string_literals::operator""s;

MLOS_TEST(msgpack_reads_what_it_writes) {
  Writer writer;
  writer.List(3);
  writer.Unsigned(127);
  writer.Map(1);
  writer.Text("key");
  writer.Unsigned(uint64_t{1} << 40);
  writer.Text(std::string(70'000, 'x'));
  const auto value = Decode(writer.bytes());
  REQUIRE(value.has_value() && value->IsList() && value->items.size() == 3);
  CHECK_EQ(value->items[0].AsUnsigned(), 127U);
  CHECK_EQ(value->items[1].Find("key")->AsUnsigned(), uint64_t{1} << 40);
  CHECK(value->items[1].Find("other") == nullptr);
  CHECK_EQ(value->items[2].AsText()->size(), 70'000U);
}

MLOS_TEST(msgpack_reads_every_form_of_a_number) {
  const std::pair<std::string, int64_t> cases[] = {
      {"\x05"s, 5},
      {"\xff"s, -1},
      {"\xe0"s, -32},
      {"\xcc\xff"s, 255},
      {"\xcd\x01\x00"s, 256},
      {"\xce\x00\x01\x00\x00"s, 65'536},
      {"\xcf\x00\x00\x00\x01\x00\x00\x00\x00"s, int64_t{1} << 32},
      {"\xd0\x80"s, -128},
      {"\xd1\xff\x00"s, -256},
      {"\xd2\x80\x00\x00\x00"s, INT32_MIN},
      {"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"s, INT64_MIN},
      {"\xca\x41\x20\x00\x00"s, 10},
      {"\xcb\x41\xf0\x00\x00\x00\x00\x00\x00"s, int64_t{1} << 32},
  };
  for (const auto& [bytes, number] : cases) {
    const auto value = Decode(bytes);
    CHECK(value.has_value() && value->AsInteger() == number);
  }
  const auto half = Decode("\xca\x3f\x00\x00\x00"s);
  CHECK(half.has_value() && !half->AsInteger().has_value());
  const auto large = Decode("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"s);
  CHECK(large.has_value() && large->AsUnsigned() == UINT64_MAX && !large->AsInteger().has_value());
  const auto nan = Decode("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"s);
  CHECK(nan.has_value() && !nan->AsInteger().has_value());
}

MLOS_TEST(msgpack_refuses_what_is_not_one_whole_value) {
  const std::string cases[] = {
      ""s,
      "\xc1"s,                      // means nothing
      "\xd4\x72\x00"s,              // an extension
      "\xc7\x01\x05\x00"s,          // another
      "\xa5\x61"s,                  // a text that is cut
      "\xdb\xff\xff\xff\xff\x61"s,  // a text of 4 GiB
      "\xdd\xff\xff\xff\xff"s,      // a list of 4 billion
      "\xdf\xff\xff\xff\xff\x01"s,  // a map of as many
      "\x92\x01"s,                  // a list that is cut
      "\xcf\x00"s,                  // a number that is cut
      "\x01\x01"s,                  // two values
  };
  for (const std::string& bytes : cases) CHECK(!Decode(bytes).has_value());
  CHECK(Decode(std::string(kMaxDepth, '\x91') + "\x01").has_value());
  CHECK(!Decode(std::string(kMaxDepth + 1, '\x91') + "\x01").has_value());
  CHECK(!Decode(std::string(60'000, '\x91')).has_value());
  CHECK(!Decode("\xdd\x00\x03\x00\x00"s + std::string(3 << 16, '\x01')).has_value());
}

MLOS_TEST(msgpack_survives_random_bytes) {
  std::mt19937 random(7);
  for (int turn = 0; turn < 20'000; ++turn) {
    std::string bytes(random() % 64, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const auto value = Decode(bytes);
    if (value.has_value() && value->kind == Kind::kMap) value->Find("x");
  }
}

}  // namespace
}  // namespace mlos::msgpack
