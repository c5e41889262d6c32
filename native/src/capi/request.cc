#include "capi/request.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/checked.h"
#include "capi/error_codes.h"
#include "capi/model.h"
#include "shm/status_code.h"

namespace mlos::capi {
namespace {

uint64_t Aligned(uint64_t offset) {
  return (offset + layout::kBlockAlignment - 1) / layout::kBlockAlignment * layout::kBlockAlignment;
}

Error NoRoom(uint64_t bytes) {
  return CodedError("PAYLOAD_TOO_LARGE",
                    "There is no room for a request of " + std::to_string(bytes) +
                        " bytes beside those that exist. Free some, or attach with more "
                        "input_bytes.");
}

Error NoSuchInput(uint32_t index) {
  return CodedError("UNKNOWN_INPUT", "The request has no input " + std::to_string(index) + ".");
}

}  // namespace

Request::Request(std::shared_ptr<Model> model) : model_(std::move(model)) {
  // The most urgent there is: the channel's own bound applies.
  descriptor_.priority = layout::kRealtime;
  outputs_.resize(model_->signature().outputs.size());
}

Request::~Request() {
  Release();
  if (carrier_.channel != nullptr) carrier_.channel->Free(carrier_.block);
  if (home_.channel != nullptr && home_.channel != carrier_.channel) {
    home_.channel->Free(home_.block);
  }
}

Result<std::unique_ptr<Request>> Request::Create(std::shared_ptr<Model> model,
                                                 std::span<const mlos_input> inputs) {
  std::unique_ptr<Request> request(new Request(std::move(model)));
  request->block_bytes_ = Aligned(SequenceRequestBytes(static_cast<uint32_t>(inputs.size())));
  for (const mlos_input& input : inputs) {
    if (Status added = request->AddInput(input); !added.ok()) return added.error();
  }
  request->descriptor_.input_count = static_cast<uint32_t>(inputs.size());
  if (Status reserved = request->Reserve(); !reserved.ok()) return reserved.error();
  return request;
}

Status Request::AddInput(const mlos_input& input) {
  const std::vector<TensorSpec>& specs = model_->signature().inputs;
  if (input.index >= specs.size()) {
    return CodedError("UNKNOWN_INPUT", "The model has " + std::to_string(specs.size()) +
                                           " inputs; there is no input " +
                                           std::to_string(input.index) + ".");
  }
  const TensorSpec& spec = specs[input.index];
  if (FindInput(input.index) != nullptr) {
    return CodedError("INVALID_ARGUMENT", "Input \"" + spec.name + "\" is given twice.");
  }
  auto elements = CheckShape(spec, {input.dims, input.rank});
  if (!elements.ok()) return elements.error();
  const auto dtype = static_cast<uint16_t>(spec.dtype);
  const uint32_t element_bytes = ElementBytes(dtype).value_or(0);
  const bool is_string = spec.dtype == Dtype::kString;
  // Zeros are a valid tensor of empty texts.
  const uint64_t least = elements.value() * (is_string ? kStringLengthBytes : element_bytes);
  const uint64_t capacity = is_string ? std::max(least, input.byte_length) : least;
  const uint64_t offset = block_bytes_;
  const std::optional<uint64_t> end = CheckedAdd(offset, capacity);
  if (!end.has_value() || *end > layout::kMaxArenaBytes) return NoRoom(capacity);
  block_bytes_ = Aligned(*end);

  Input& added = inputs_.emplace_back();
  added.offset = offset;
  added.capacity = capacity;
  added.elements = elements.value();
  added.descriptor.index = input.index;
  added.descriptor.dtype = dtype;
  added.descriptor.rank = static_cast<uint16_t>(input.rank);
  added.descriptor.byte_length = least;
  std::copy_n(input.dims, input.rank, std::begin(added.descriptor.dims));
  return {};
}

Status Request::Reserve() {
  const std::shared_ptr<ClientChannel>& channel = model_->channel();
  const std::optional<Block> block = channel->Allocate(block_bytes_);
  if (!block.has_value()) return NoRoom(block_bytes_);
  home_ = {channel, *block};
  carrier_ = home_;
  // Its last user may have been another request.
  std::memset(At(home_, 0), 0, block_bytes_);
  WriteDescriptors(home_);
  return {};
}

std::byte* Request::At(const Place& place, uint64_t offset) const {
  return place.channel->request_arena().data() + place.block.offset + offset;
}

void Request::WriteDescriptors(const Place& place) {
  std::memcpy(At(place, 0), &descriptor_, sizeof descriptor_);
  uint64_t at = sizeof descriptor_;
  for (Input& input : inputs_) {
    input.descriptor.offset = place.block.offset + input.offset;
    std::memcpy(At(place, at), &input.descriptor, sizeof input.descriptor);
    at += sizeof input.descriptor;
  }
  std::memcpy(At(place, at), &sequence_, sizeof sequence_);
}

Request::Input* Request::FindInput(uint32_t index) {
  const auto found = std::find_if(inputs_.begin(), inputs_.end(), [&](const Input& input) {
    return input.descriptor.index == index;
  });
  return found == inputs_.end() ? nullptr : &*found;
}

std::span<std::byte> Request::InputData(uint32_t index) {
  const Input* input = FindInput(index);
  if (input == nullptr) return {};
  return {At(home_, input->offset), input->capacity};
}

Status Request::SetStrings(uint32_t index, const CTexts& texts) {
  Input* input = FindInput(index);
  if (input == nullptr) return NoSuchInput(index);
  if (input->descriptor.dtype != static_cast<uint16_t>(Dtype::kString)) {
    return CodedError("INVALID_DTYPE",
                      "Input " + std::to_string(index) + " does not hold strings.");
  }
  if (texts.texts.size() != input->elements) {
    return CodedError("INVALID_SHAPE", "Input " + std::to_string(index) + " takes " +
                                           std::to_string(input->elements) + " texts, not " +
                                           std::to_string(texts.texts.size()) + ".");
  }
  const auto used = PackStrings(texts, {At(home_, input->offset), input->capacity});
  if (!used.has_value()) {
    return CodedError("PAYLOAD_TOO_LARGE",
                      "The texts of input " + std::to_string(index) + " do not fit the " +
                          std::to_string(input->capacity) + " bytes that were reserved for them.");
  }
  input->descriptor.byte_length = *used;
  WriteDescriptors(home_);
  return {};
}

Status Request::Select(std::span<const uint32_t> outputs) {
  layout::RequestDescriptor changed = descriptor_;
  std::fill(std::begin(changed.wanted), std::end(changed.wanted), 0);
  for (const uint32_t output : outputs) {
    if (output >= outputs_.size()) {
      return CodedError("UNKNOWN_INPUT", "The model has " + std::to_string(outputs_.size()) +
                                             " outputs; there is no output " +
                                             std::to_string(output) + ".");
    }
    changed.wanted[output / 64] |= uint64_t{1} << (output % 64);
  }
  descriptor_ = changed;
  WriteDescriptors(home_);
  return {};
}

void Request::SetPriority(layout::Priority priority) {
  descriptor_.priority = priority;
  WriteDescriptors(home_);
}

Status Request::SetSequence(std::string_view name, uint32_t flags) {
  if (name.size() > sizeof sequence_.id) {
    return CodedError("INVALID_ARGUMENT", "The id of a sequence has at most " +
                                              std::to_string(sizeof sequence_.id) + " bytes, not " +
                                              std::to_string(name.size()) + ".");
  }
  sequence_ = {};
  sequence_.flags = flags;
  sequence_.id_length = static_cast<uint32_t>(name.size());
  std::copy(name.begin(), name.end(), std::begin(sequence_.id));
  descriptor_.has_sequence = name.empty() ? 0 : 1;
  WriteDescriptors(home_);
  return {};
}

Status Request::Load(const std::shared_ptr<ClientChannel>& channel, uint64_t deadline_ns) {
  descriptor_.deadline_ns = deadline_ns;
  if (carrier_.channel != channel) {
    const std::optional<Block> block = channel->Allocate(block_bytes_);
    if (!block.has_value()) return NoRoom(block_bytes_);
    if (carrier_.channel != home_.channel) carrier_.channel->Free(carrier_.block);
    carrier_ = {channel, *block};
  }
  if (carrier_.channel != home_.channel) {
    std::memcpy(At(carrier_, 0), At(home_, 0), block_bytes_);
    WriteDescriptors(carrier_);
  } else {
    // All else is there from before: this is the way that every ordinary run goes.
    std::memcpy(At(carrier_, offsetof(layout::RequestDescriptor, deadline_ns)), &deadline_ns,
                sizeof deadline_ns);
  }
  return {};
}

Result<uint64_t> Request::Submit() {
  return carrier_.channel->Submit(carrier_.block, descriptor_bytes());
}

bool Request::TakeOutputs(const Completion& completion) {
  const std::vector<TensorSpec>& specs = model_->signature().outputs;
  for (const TensorView& view : completion.outputs) {
    if (view.index >= specs.size() || view.dtype != specs[view.index].dtype) return false;
    mlos_tensor& output = outputs_[view.index];
    // An empty tensor is there too: NULL says that an output is not.
    const void* empty = carrier_.channel->response_arena().data();
    output.data = view.data.data() == nullptr ? empty : view.data.data();
    output.byte_length = view.data.size();
    output.dtype = static_cast<uint32_t>(view.dtype);
    output.rank = view.shape.rank;
    std::copy_n(view.shape.dims.begin(), view.shape.rank, std::begin(output.dims));
  }
  return true;
}

void Request::Settle(const Completion& completion) {
  held_ = completion.offset;
  timing_ = {
      .queue_ns = completion.queue_ns, .run_ns = completion.run_ns, .batch = completion.batch};
  if (completion.status == layout::kOk && !TakeOutputs(completion)) {
    Release();
    SettleAs(MLOS_INTERNAL, "The plugin's answer does not fit the model's signature.");
    return;
  }
  SettleAs(StatusOfCode(StatusName(completion.status)), completion.message);
}

void Request::SettleAs(mlos_status status, std::string_view message) {
  status_ = status;
  message_.assign(message);
  state = State::kFinished;
}

void Request::Release() {
  if (held_.has_value()) carrier_.channel->Release(*std::exchange(held_, std::nullopt));
  for (mlos_tensor& output : outputs_) output.data = nullptr;
}

}  // namespace mlos::capi
