#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "shm/adaptive_spin.h"
#include "shm/descriptor_decoder.h"
#include "shm/packed_strings.h"
#include "shm/status_code.h"

namespace mlos {
namespace {

using layout::RequestDescriptor;
using layout::ResultDescriptor;
using layout::TensorDescriptor;

constexpr uint64_t kArenaBytes = 1 << 16;

std::span<const std::byte> Arena() {
  alignas(64) static std::array<std::byte, kArenaBytes> arena{};
  return arena;
}

TensorDescriptor Floats(uint32_t index, uint64_t offset, std::vector<int64_t> dims) {
  TensorDescriptor tensor{};
  tensor.index = index;
  tensor.dtype = 1;
  tensor.rank = static_cast<uint16_t>(dims.size());
  tensor.offset = offset;
  tensor.byte_length = 4;
  for (size_t i = 0; i < dims.size(); ++i) {
    tensor.dims[i] = dims[i];
    tensor.byte_length *= static_cast<uint64_t>(dims[i]);
  }
  return tensor;
}

template <typename Fixed>
std::vector<std::byte> Bytes(const Fixed& fixed, const std::vector<TensorDescriptor>& tensors) {
  std::vector<std::byte> bytes(DescriptorBytes(static_cast<uint32_t>(tensors.size())));
  std::memcpy(bytes.data(), &fixed, sizeof fixed);
  if (!tensors.empty()) {
    std::memcpy(bytes.data() + sizeof fixed, tensors.data(), tensors.size() * sizeof tensors[0]);
  }
  return bytes;
}

std::string RequestCode(const std::vector<TensorDescriptor>& tensors,
                        const std::function<void(RequestDescriptor&)>& change = {}) {
  RequestDescriptor fixed{};
  fixed.input_count = static_cast<uint32_t>(tensors.size());
  if (change) change(fixed);
  CheckedRequest request;
  const Status status = DecodeRequest(Bytes(fixed, tensors), Arena(), request);
  return status.ok() ? "ok" : status.error().code;
}

std::string TensorCode(const std::function<void(TensorDescriptor&)>& change) {
  TensorDescriptor tensor = Floats(0, 64, {2, 3});
  change(tensor);
  return RequestCode({tensor});
}

std::string ResultCode(const TensorDescriptor& tensor, Block block) {
  ResultDescriptor fixed{};
  fixed.output_count = 1;
  std::vector<TensorView> outputs;
  const Status status = DecodeResult(Bytes(fixed, {tensor}), block, Arena(), outputs);
  return status.ok() ? "ok" : status.error().code;
}

std::string UnpackCode(std::vector<uint32_t> lengths, std::string_view text, uint64_t count) {
  std::vector<std::byte> packed(lengths.size() * 4 + text.size());
  if (!lengths.empty()) std::memcpy(packed.data(), lengths.data(), lengths.size() * 4);
  if (!text.empty()) std::memcpy(packed.data() + lengths.size() * 4, text.data(), text.size());
  std::vector<std::string_view> strings;
  const Status status = UnpackStrings(packed, count, strings);
  return status.ok() ? "ok" : status.error().code;
}

}  // namespace

MLOS_TEST(descriptor_of_a_request_is_read) {
  RequestDescriptor fixed{};
  fixed.deadline_ns = 99;
  fixed.priority = layout::kBatch;
  fixed.input_count = 2;
  fixed.wanted[3] = 5;
  CheckedRequest request;
  request.inputs.resize(7);  // of an earlier one
  const auto bytes = Bytes(fixed, {Floats(4, 128, {2, 3}), Floats(1, 0, {})});
  REQUIRE(DecodeRequest(bytes, Arena(), request).ok());
  CHECK_EQ(request.deadline_ns, uint64_t{99});
  CHECK(request.priority == layout::kBatch);
  CHECK_EQ(request.wanted[3], uint64_t{5});
  REQUIRE(request.inputs.size() == 2);
  CHECK_EQ(request.inputs[0].index, 4U);
  CHECK(request.inputs[0].dtype == Dtype::kFloat32);
  CHECK(request.inputs[0].shape == (Shape{.rank = 2, .dims = {2, 3}}));
  CHECK(request.inputs[0].data.data() == Arena().data() + 128);
  CHECK_EQ(request.inputs[0].data.size(), size_t{24});
  CHECK_EQ(request.inputs[1].data.size(), size_t{4});
}

MLOS_TEST(descriptor_of_a_sequence_follows_the_tensors) {
  RequestDescriptor fixed{};
  fixed.input_count = 1;
  fixed.has_sequence = 1;
  layout::SequenceDescriptor sequence{};
  const auto decode = [&](CheckedRequest& request, size_t cut = 0) {
    auto bytes = Bytes(fixed, {Floats(0, 0, {1})});
    const auto* const more = reinterpret_cast<const std::byte*>(&sequence);
    bytes.insert(bytes.end(), more, more + sizeof sequence);
    bytes.resize(bytes.size() - cut);
    const Status status = DecodeRequest(bytes, Arena(), request);
    return status.ok() ? std::string("ok") : status.error().code;
  };
  CheckedRequest request;
  sequence.flags = layout::kSequenceEnd;
  sequence.id_length = 3;
  std::memcpy(sequence.id, "abc", 3);
  REQUIRE(decode(request) == "ok");
  REQUIRE(request.sequence.has_value());
  CHECK(request.sequence->id() == "abc");
  CHECK(request.sequence->ends && !request.sequence->starts);
  CHECK_EQ(decode(request, 1), "INVALID_ARGUMENT");
  CHECK_EQ(decode(request, sizeof sequence), "INVALID_ARGUMENT");
  for (const uint32_t id_length : {0U, 129U, UINT32_MAX}) {
    sequence.id_length = id_length;
    CHECK_EQ(decode(request), "INVALID_ARGUMENT");
  }
  sequence.id_length = 128;
  CHECK_EQ(decode(request), "ok");
  sequence.flags = 4;
  CHECK_EQ(decode(request), "INVALID_ARGUMENT");
  sequence.flags = 0;
  fixed.has_sequence = 2;
  CHECK_EQ(decode(request), "INVALID_ARGUMENT");
  // That there was one before is forgotten.
  CHECK(DecodeRequest(Bytes(RequestDescriptor{}, {}), Arena(), request).ok());
  CHECK(!request.sequence.has_value());
}

MLOS_TEST(descriptor_counts_must_fit_the_bytes) {
  const std::vector<TensorDescriptor> one = {Floats(0, 0, {1})};
  CHECK_EQ(RequestCode({}), "ok");
  CHECK_EQ(RequestCode(one, [](auto& fixed) { fixed.input_count = 0; }), "INVALID_ARGUMENT");
  CHECK_EQ(RequestCode(one, [](auto& fixed) { fixed.input_count = 2; }), "INVALID_ARGUMENT");
  CHECK_EQ(RequestCode(one, [](auto& fixed) { fixed.input_count = UINT32_MAX; }),
           "INVALID_ARGUMENT");
  CHECK_EQ(RequestCode(one, [](auto& fixed) { fixed.priority = 4; }), "INVALID_ARGUMENT");
  CheckedRequest request;
  CHECK(!DecodeRequest({}, Arena(), request).ok());
  CHECK(!DecodeRequest(Arena().first(63), Arena(), request).ok());
  std::vector<TensorDescriptor> many;
  for (uint32_t i = 0; i < layout::kMaxTensors; ++i) many.push_back(Floats(i, 0, {1}));
  CHECK_EQ(RequestCode(many), "ok");
  many.push_back(Floats(layout::kMaxTensors, 0, {1}));
  CHECK_EQ(RequestCode(many), "INVALID_ARGUMENT");
}

MLOS_TEST(descriptor_tensors_are_checked_field_by_field) {
  CHECK_EQ(TensorCode([](auto&) {}), "ok");
  CHECK_EQ(TensorCode([](auto& t) { t.index = layout::kMaxTensors - 1; }), "ok");
  CHECK_EQ(TensorCode([](auto& t) { t.index = layout::kMaxTensors; }), "INVALID_ARGUMENT");
  CHECK_EQ(RequestCode({Floats(3, 0, {1}), Floats(3, 64, {1})}), "INVALID_ARGUMENT");
  for (const int number : {0, 14, 15, 17, 65535}) {
    const auto dtype = static_cast<uint16_t>(number);
    CHECK_EQ(TensorCode([dtype](auto& t) { t.dtype = dtype; }), "INVALID_DTYPE");
  }
  CHECK_EQ(TensorCode([](auto& t) { t.dtype = 11; }), "INVALID_SHAPE");  // eight bytes each
  CHECK_EQ(TensorCode([](auto& t) { t.rank = 1; }), "INVALID_SHAPE");
  CHECK_EQ(TensorCode([](auto& t) { t.rank = 17; }), "INVALID_SHAPE");
  CHECK_EQ(TensorCode([](auto& t) { t.rank = 65535; }), "INVALID_SHAPE");
  CHECK_EQ(TensorCode([](auto& t) { t.dims[0] = -2; }), "INVALID_SHAPE");
  CHECK_EQ(TensorCode([](auto& t) { t.byte_length = 25; }), "INVALID_SHAPE");
  CHECK_EQ(TensorCode([](auto& t) { t.offset = 65; }), "INVALID_ARGUMENT");
  CHECK_EQ(TensorCode([](auto& t) { t.offset = kArenaBytes - 64; }), "ok");
  CHECK_EQ(TensorCode([](auto& t) { t.offset = kArenaBytes; }), "INVALID_ARGUMENT");
  CHECK_EQ(TensorCode([](auto& t) { t.offset = UINT64_MAX - 63; }), "INVALID_ARGUMENT");
}

MLOS_TEST(descriptor_products_do_not_overflow) {
  const auto code = [](std::vector<int64_t> dims, uint64_t byte_length) {
    return TensorCode([&](auto& t) {
      t.rank = static_cast<uint16_t>(dims.size());
      std::copy(dims.begin(), dims.end(), t.dims);
      t.byte_length = byte_length;
    });
  };
  CHECK_EQ(code({int64_t{1} << 32, int64_t{1} << 32}, 0), "INVALID_SHAPE");
  CHECK_EQ(code({int64_t{1} << 62, 4}, 0), "INVALID_SHAPE");
  CHECK_EQ(code({INT64_MAX, INT64_MAX}, 4), "INVALID_SHAPE");
  CHECK_EQ(code({0, INT64_MAX}, 0), "INVALID_SHAPE");
  CHECK_EQ(code({INT64_MIN}, 0), "INVALID_SHAPE");
  CHECK_EQ(code({0, 5}, 0), "ok");
  CHECK_EQ(code(std::vector<int64_t>(16, 1), 4), "ok");
  CHECK_EQ(ElementCount({.rank = 1, .dims = {int64_t{1} << 40}}).value_or(0), uint64_t{1} << 40);
  CHECK(!ElementCount({.rank = 1, .dims = {(int64_t{1} << 40) + 1}}).has_value());
}

MLOS_TEST(descriptor_strings_only_have_to_lie_inside) {
  const auto code = [](int64_t count, uint64_t byte_length) {
    return TensorCode([&](auto& t) {
      t.dtype = static_cast<uint16_t>(Dtype::kString);
      t.rank = 1;
      t.dims[0] = count;
      t.byte_length = byte_length;
    });
  };
  CHECK_EQ(code(2, 8), "ok");
  CHECK_EQ(code(2, 100), "ok");
  CHECK_EQ(code(2, 7), "INVALID_SHAPE");
  CHECK_EQ(code(2, kArenaBytes - 64), "ok");
  CHECK_EQ(code(2, kArenaBytes - 63), "INVALID_ARGUMENT");
  CHECK_EQ(code(int64_t{1} << 40, 8), "INVALID_SHAPE");
}

MLOS_TEST(descriptor_of_an_answer_stays_in_its_block) {
  CHECK_EQ(ResultCode(Floats(0, 320, {2}), {.offset = 64, .byte_length = 512}), "ok");
  CHECK_EQ(ResultCode(Floats(0, 0, {2}), {.offset = 64, .byte_length = 512}), "INVALID_ARGUMENT");
  CHECK_EQ(ResultCode(Floats(0, 576, {2}), {.offset = 64, .byte_length = 512}), "INVALID_ARGUMENT");
  CHECK_EQ(ResultCode(Floats(0, 512, {17}), {.offset = 64, .byte_length = 512}),
           "INVALID_ARGUMENT");
  CHECK_EQ(ResultCode(Floats(0, 0, {2}), {.offset = 0, .byte_length = kArenaBytes + 1}),
           "INVALID_ARGUMENT");
}

MLOS_TEST(packed_strings_add_up_or_are_refused) {
  const std::array<std::string_view, 3> strings = {"a", "", "déjà"};
  std::vector<std::byte> packed(PackedBytes(strings));
  PackStrings(strings, packed);
  std::vector<std::string_view> unpacked;
  REQUIRE(UnpackStrings(packed, 3, unpacked).ok());
  CHECK(std::equal(strings.begin(), strings.end(), unpacked.begin(), unpacked.end()));
  CHECK_EQ(UnpackCode({}, "", 0), "ok");
  CHECK_EQ(UnpackCode({2, 1}, "abc", 2), "ok");
  CHECK_EQ(UnpackCode({2, 2}, "abc", 2), "INVALID_VALUE");
  CHECK_EQ(UnpackCode({1, 1}, "abc", 2), "INVALID_VALUE");
  CHECK_EQ(UnpackCode({UINT32_MAX, 4}, "abc", 2), "INVALID_VALUE");
  CHECK_EQ(UnpackCode({1}, "abc", 2), "INVALID_VALUE");
  CHECK_EQ(UnpackCode({}, "abc", 1), "INVALID_VALUE");
  CHECK_EQ(UnpackCode({1}, "a", UINT64_MAX), "INVALID_VALUE");
}

MLOS_TEST(status_names_go_both_ways) {
  for (uint32_t number = 0; IsStatus(number); ++number) {
    const auto status = static_cast<layout::StatusCode>(number);
    CHECK(StatusOfName(StatusName(status)) == status);
  }
  CHECK(StatusOfName("ENOENT") == layout::kInternal);
  CHECK_EQ(StatusName(static_cast<layout::StatusCode>(999)), "INTERNAL");
}

MLOS_TEST(adaptive_spin_learns_what_is_worth_while) {
  constexpr uint64_t kMax = 50'000;
  AdaptiveSpin spin(kMax);
  CHECK_EQ(spin.budget_ns(), kMax);
  for (int i = 0; i < 100; ++i) spin.Learn(1'000);
  CHECK(spin.budget_ns() < 10'000);
  spin.Learn(20'000);
  CHECK(spin.budget_ns() >= 40'000);
  for (int i = 0; i < 20; ++i) spin.Learn(kMax + 1);
  CHECK_EQ(spin.budget_ns(), uint64_t{0});
  // One that was slept through, but would have been worth spinning for.
  spin.Learn(45'000);
  CHECK_EQ(spin.budget_ns(), kMax);
  AdaptiveSpin never(0);
  never.Learn(0);
  never.Learn(1);
  CHECK_EQ(never.budget_ns(), uint64_t{0});
}

}  // namespace mlos
