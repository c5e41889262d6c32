#include "engine/state_rows.h"

#include <cstring>

namespace mlos {
namespace {

/// A tensor seen as `outer` pieces, each of some rows of `row_bytes` bytes.
struct Rows {
  uint64_t outer = 1;
  uint64_t row_bytes = 0;
};

Rows RowsOf(Dtype dtype, const Shape& shape, uint32_t axis) {
  Rows rows{.outer = 1, .row_bytes = ElementBytes(static_cast<uint16_t>(dtype)).value_or(0)};
  for (uint32_t i = 0; i < shape.rank; ++i) {
    const auto dim = static_cast<uint64_t>(shape.dims.at(i));
    if (i < axis) rows.outer *= dim;
    if (i > axis) rows.row_bytes *= dim;
  }
  return rows;
}

/// Copies all rows of `from` to row `first` of each piece of `to`, or the other way round.
enum class Direction { kIntoJoined, kOutOfJoined };

/// The memory of one tensor, `rows` of them in each piece.
struct Memory {
  std::byte* data = nullptr;
  uint64_t rows = 0;
};

void CopyRows(Direction direction, const Memory& joined, uint64_t first, const Memory& single,
              const Rows& rows) {
  const uint64_t bytes = single.rows * rows.row_bytes;
  if (bytes == 0) return;
  for (uint64_t piece = 0; piece < rows.outer; ++piece) {
    std::byte* const all = joined.data + (piece * joined.rows + first) * rows.row_bytes;
    std::byte* const own = single.data + piece * bytes;
    if (direction == Direction::kIntoJoined) {
      std::memcpy(all, own, bytes);
    } else {
      std::memcpy(own, all, bytes);
    }
  }
}

}  // namespace

const StateTensor& StateRows::StateOf(const Request& request, size_t slot) {
  if (!request.starts) return request.sequence->states[slot];
  const StatePlan& plan = context_->plan();
  plan.MakeInitial(plan.slots()[slot], request.state_rows, initial_[slot]);
  return initial_[slot];
}

void StateRows::Give(std::span<Request* const> requests) {
  const std::vector<StateSlot>& slots = context_->plan().slots();
  initial_.resize(slots.size());
  joined_.resize(slots.size());
  views_.clear();
  for (size_t i = 0; i < slots.size(); ++i) {
    if (requests.size() == 1) {
      views_.push_back(StateOf(*requests.front(), i).View(slots[i].input));
    } else {
      Join(requests, i);
      views_.push_back(joined_[i].View(slots[i].input));
    }
  }
  context_->Use(views_);
}

void StateRows::Join(std::span<Request* const> requests, size_t slot) {
  const StateSlot& spec = context_->plan().slots()[slot];
  const uint32_t axis = *spec.rows_axis;
  uint64_t all = 0;
  uint64_t bytes = 0;
  for (const Request* request : requests) {
    all += request->state_rows;
    bytes += StateOf(*request, slot).byte_length;
  }
  Shape shape = StateOf(*requests.front(), slot).shape;
  const Rows rows = RowsOf(spec.dtype, shape, axis);
  shape.dims.at(axis) = static_cast<int64_t>(all);
  std::byte* const joined = joined_[slot].Resize(spec.dtype, shape, bytes).data();
  uint64_t first = 0;
  for (const Request* request : requests) {
    const StateTensor& state = StateOf(*request, slot);
    CopyRows(Direction::kIntoJoined, {joined, all}, first,
             {state.buffer.data(), request->state_rows}, rows);
    first += request->state_rows;
  }
}

void StateRows::Take(std::vector<StateTensor>& states) {
  states.resize(context_->states().size());
  states.swap(context_->states());
}

void StateRows::TakeRows(uint64_t first, uint64_t rows, std::vector<StateTensor>& states) {
  std::vector<StateTensor>& all = context_->states();
  states.resize(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const uint32_t axis = *context_->plan().slots()[i].rows_axis;
    Shape shape = all[i].shape;
    const Rows layout = RowsOf(all[i].dtype, shape, axis);
    const auto joined_rows = static_cast<uint64_t>(shape.dims.at(axis));
    shape.dims.at(axis) = static_cast<int64_t>(rows);
    const uint64_t bytes = layout.outer * rows * layout.row_bytes;
    std::byte* const own = states[i].Resize(all[i].dtype, shape, bytes).data();
    CopyRows(Direction::kOutOfJoined, {all[i].buffer.data(), joined_rows}, first, {own, rows},
             layout);
  }
}

uint64_t BytesOf(std::span<const StateTensor> states) {
  uint64_t bytes = 0;
  for (const StateTensor& state : states) bytes += state.byte_length;
  return bytes;
}

}  // namespace mlos
