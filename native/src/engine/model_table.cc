#include "engine/model_table.h"

#include <algorithm>

#include "base/clock.h"
#include "shm/region.h"

namespace mlos {

ModelTable::ModelTable()
    : own_page_(std::make_unique<layout::StatsPage>()), page_(own_page_.get()) {
  page_->started_ns.store(MonotonicNanos(), std::memory_order_relaxed);
}

std::optional<ModelTable::Place> ModelTable::Reserve() {
  const std::lock_guard held(lock_);
  const auto free = std::find(rows_.begin(), rows_.end(), 0U);
  if (free == rows_.end()) return std::nullopt;
  const uint32_t handle = next_handle_++;
  *free = handle;
  layout::ModelStats& row = Row(static_cast<size_t>(free - rows_.begin()));
  ClearStats(row);
  row.handle.store(handle, std::memory_order_release);
  return Place{.handle = handle, .row = &row};
}

void ModelTable::Release(uint32_t handle) {
  const std::lock_guard held(lock_);
  const auto found = std::find(rows_.begin(), rows_.end(), handle);
  if (found == rows_.end()) return;
  Row(static_cast<size_t>(found - rows_.begin())).handle.store(0, std::memory_order_release);
  *found = 0;
}

void ModelTable::Insert(Entry model) {
  const std::lock_guard held(lock_);
  models_.emplace(model->facts().handle, std::move(model));
}

ModelTable::Entry ModelTable::Find(uint32_t handle) const {
  const std::lock_guard held(lock_);
  const auto found = models_.find(handle);
  return found == models_.end() ? nullptr : found->second;
}

ModelTable::Entry ModelTable::Take(uint32_t handle) {
  const std::lock_guard held(lock_);
  const auto found = models_.find(handle);
  if (found == models_.end()) return nullptr;
  Entry model = std::move(found->second);
  models_.erase(found);
  return model;
}

std::vector<ModelTable::Entry> ModelTable::All() const {
  const std::lock_guard held(lock_);
  std::vector<Entry> all;
  for (const auto& [handle, model] : models_) all.push_back(model);
  return all;
}

Status ModelTable::AdoptStats(UniqueFd region) {
  Result<Region> adopted =
      Region::Adopt(std::move(region), sizeof(layout::StatsPage) * 2, MapMode::kShared);
  if (!adopted.ok()) return adopted.error();
  const std::span<std::byte> bytes = adopted.value().mapping()->bytes();
  auto* page = reinterpret_cast<layout::StatsPage*>(bytes.data());
  if (bytes.size() < sizeof(layout::StatsPage) || page->header.magic != layout::kMagic ||
      page->header.version != layout::kVersion || page->header.kind != layout::kKindStats) {
    return CodedError("INVALID_REGION", "the region is no stats page of this version");
  }
  const Status sealed = adopted.value().Seal(WriteSeal::kFuture);
  if (!sealed.ok()) return sealed;
  const std::lock_guard held(lock_);
  const bool reserved = std::count(rows_.begin(), rows_.end(), 0U) !=
                        static_cast<ptrdiff_t>(rows_.size() - models_.size());
  if (mapping_ != nullptr || reserved) {
    return CodedError("INVALID_ARGUMENT",
                      "the stats page is given once, while no model is being loaded or unloaded");
  }
  page->started_ns.store(page_->started_ns.load(std::memory_order_relaxed),
                         std::memory_order_relaxed);
  for (size_t i = 0; i < rows_.size(); ++i) {
    const auto found = models_.find(rows_.at(i));
    if (found != models_.end()) found->second->model().MoveStats(&page->models[i]);
  }
  mapping_ = adopted.value().mapping();
  page_ = page;
  return {};
}

}  // namespace mlos
