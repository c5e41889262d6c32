#include <memory>
#include <string_view>
#include <utility>

#include "capi/api.h"
#include "capi/packed_strings.h"

using namespace mlos::capi;  // NOLINT(google-build-using-namespace): the C names are global

namespace {

/// Whether what a C program gave for inputs can be looked at.
bool AreReadable(std::span<const mlos_input> inputs) {
  for (const mlos_input& input : inputs) {
    if (input.dims == nullptr && input.rank != 0) return false;
  }
  return true;
}

/// What came of changing a request that must not be under way.
template <typename Change>
mlos_status Changed(mlos_request* request, const Change& change) {
  return Guarded([&] {
    if (request == nullptr) return InvalidArgument();
    Request& changed = *RequestOf(request);
    if (changed.InUse()) {
      return Fail(MLOS_FAILED_PRECONDITION, "The request is under way.");
    }
    const mlos::Status status = change(changed);
    return status.ok() ? MLOS_OK : Fail(status.error());
  });
}

}  // namespace

mlos_status mlos_request_create(mlos_model* model, const mlos_input* inputs, uint32_t count,
                                mlos_request** request) {
  return Guarded([&] {
    if (request == nullptr) return InvalidArgument();
    *request = nullptr;
    if (model == nullptr || (inputs == nullptr && count != 0) || count > MLOS_MAX_TENSORS ||
        !AreReadable({inputs, count})) {
      return InvalidArgument();
    }
    if (mlos_status status = model->model->EnsureChannel(0); status != MLOS_OK) return status;
    auto created = Request::Create(model->model, {inputs, count});
    if (!created.ok()) return Fail(created.error());
    *request = HandleOf(std::move(created).value().release());
    return MLOS_OK;
  });
}

void mlos_request_free(mlos_request* request) {
  if (request == nullptr) return;
  // A copy: the request may hold the last one.
  const std::shared_ptr<Model> model = RequestOf(request)->model();
  model->Dispose(std::unique_ptr<Request>(RequestOf(request)));
}

void* mlos_request_data(mlos_request* request, uint32_t index, size_t* byte_length) {
  if (byte_length != nullptr) *byte_length = 0;
  if (request == nullptr) return nullptr;
  const std::span<std::byte> data = RequestOf(request)->InputData(index);
  if (byte_length != nullptr) *byte_length = data.size();
  return data.data();
}

mlos_status mlos_request_set_strings(mlos_request* request, uint32_t index,
                                     const char* const* texts, const size_t* lengths,
                                     size_t count) {
  if (texts == nullptr && count != 0) return InvalidArgument();
  for (size_t i = 0; i < count; ++i) {
    if (texts[i] == nullptr) return InvalidArgument();
  }
  return Changed(request, [&](Request& changed) {
    return changed.SetStrings(index, {.texts = {texts, count}, .lengths = lengths});
  });
}

mlos_status mlos_request_select(mlos_request* request, const uint32_t* outputs, uint32_t count) {
  if (outputs == nullptr && count != 0) return InvalidArgument();
  return Changed(request, [&](Request& changed) { return changed.Select({outputs, count}); });
}

mlos_status mlos_request_set_priority(mlos_request* request, mlos_priority priority) {
  if (static_cast<uint32_t>(priority) > MLOS_BATCH) return InvalidArgument();
  return Changed(request, [&](Request& changed) {
    changed.SetPriority(static_cast<mlos::layout::Priority>(priority));
    return mlos::Status();
  });
}

mlos_status mlos_request_set_sequence(mlos_request* request, const char* id, uint32_t flags) {
  constexpr uint32_t kFlags = MLOS_SEQUENCE_START | MLOS_SEQUENCE_END;
  if ((flags & ~kFlags) != 0) return InvalidArgument();
  return Changed(request, [&](Request& changed) {
    return changed.SetSequence(id == nullptr ? std::string_view() : id, flags);
  });
}

mlos_status mlos_infer(mlos_request* request, uint64_t timeout_us) {
  if (request == nullptr) return InvalidArgument();
  return Guarded(
      [&] { return RequestOf(request)->model()->Infer(*RequestOf(request), timeout_us); });
}

const mlos_tensor* mlos_outputs(const mlos_request* request) {
  return request == nullptr ? nullptr : RequestOf(request)->outputs().data();
}

void mlos_release(mlos_request* request) {
  if (request != nullptr && RequestOf(request)->state == Request::State::kFinished) {
    RequestOf(request)->Release();
  }
}

mlos_status mlos_strings(const mlos_tensor* tensor, const char** texts, size_t* lengths,
                         size_t count) {
  if (tensor == nullptr || tensor->data == nullptr || (count != 0 && (!texts || !lengths))) {
    return InvalidArgument();
  }
  if (tensor->dtype != MLOS_STRING) {
    return Fail(MLOS_INVALID_DTYPE, "The tensor does not hold strings.");
  }
  mlos::Shape shape{.rank = tensor->rank};
  if (tensor->rank > MLOS_MAX_RANK) return InvalidArgument();
  std::copy_n(std::begin(tensor->dims), tensor->rank, shape.dims.begin());
  if (mlos::ElementCount(shape) != count) {
    return Fail(MLOS_INVALID_SHAPE, "The tensor has another number of elements.");
  }
  const std::span packed(static_cast<const std::byte*>(tensor->data), tensor->byte_length);
  if (UnpackStrings(packed, {texts, count}, lengths)) return MLOS_OK;
  return Fail(MLOS_INVALID_VALUE, "The lengths of the texts do not fit the tensor.");
}

mlos_status mlos_request_timing(const mlos_request* request, mlos_timing* timing) {
  if (request == nullptr || timing == nullptr) return InvalidArgument();
  *timing = RequestOf(request)->timing();
  return MLOS_OK;
}

mlos_status mlos_submit(mlos_request* request, uint64_t timeout_us) {
  if (request == nullptr) return InvalidArgument();
  return Guarded(
      [&] { return RequestOf(request)->model()->Submit(*RequestOf(request), timeout_us); });
}

mlos_status mlos_wait_for(mlos_request* request, uint64_t timeout_us) {
  if (request == nullptr) return InvalidArgument();
  return Guarded(
      [&] { return RequestOf(request)->model()->WaitFor(*RequestOf(request), timeout_us); });
}

mlos_status mlos_request_status(const mlos_request* request) {
  if (request == nullptr) return InvalidArgument();
  if (RequestOf(request)->state == Request::State::kFinished) return RequestOf(request)->status();
  return Fail(MLOS_FAILED_PRECONDITION, "The request has no answer.");
}

const char* mlos_request_message(const mlos_request* request) {
  return request == nullptr ? "" : RequestOf(request)->message().c_str();
}

mlos_status mlos_cancel(mlos_request* request) {
  if (request == nullptr) return InvalidArgument();
  return RequestOf(request)->model()->Cancel(*RequestOf(request));
}
