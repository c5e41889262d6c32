#ifndef MLOS_ENGINE_MODEL_TABLE_H_
#define MLOS_ENGINE_MODEL_TABLE_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/unique_fd.h"
#include "engine/loaded_model.h"
#include "shm/mapping.h"
#include "shm/stats_layout.h"

namespace mlos {

/// The models of an engine by handle, and the stats page with a row for each. Any thread.
class ModelTable {
 public:
  using Entry = std::shared_ptr<LoadedModel>;

  ModelTable();

  struct Place {
    uint32_t handle = 0;
    layout::ModelStats* row = nullptr;
  };
  /// A handle and a row for a model that is about to be loaded; nullopt when all rows are taken.
  /// Both are the caller's until Insert() or Release().
  std::optional<Place> Reserve();
  void Release(uint32_t handle);
  void Insert(Entry model);

  Entry Find(uint32_t handle) const;
  /// Removes it from the table; its row stays taken until Release().
  Entry Take(uint32_t handle);
  std::vector<Entry> All() const;

  /// Uses the daemon's region for statistics from now on; rows in use are carried over. The host
  /// maps it for writing, then seals it. Errors: those of Region::Adopt, INVALID_REGION.
  Status AdoptStats(UniqueFd region);

 private:
  layout::ModelStats& Row(size_t index) { return page_->models[index]; }

  mutable std::mutex lock_;
  /// Until the daemon's page comes, and for engines without one.
  std::unique_ptr<layout::StatsPage> own_page_;
  std::shared_ptr<Mapping> mapping_;
  layout::StatsPage* page_;
  /// Handle in each row; 0: free.
  std::array<uint32_t, layout::kMaxModels> rows_{};
  std::map<uint32_t, Entry> models_;
  uint32_t next_handle_ = 1;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_MODEL_TABLE_H_
