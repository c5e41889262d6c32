#include "base/small_file.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <set>

#include "base/unique_fd.h"

namespace mlos {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 20;
constexpr uint64_t kMaxListId = 65'535;

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

std::string_view TakeUntil(std::string_view& rest, char separator) {
  const size_t at = rest.find(separator);
  const std::string_view head = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
  return head;
}

}  // namespace

std::optional<std::string> ReadSmallFile(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return std::nullopt;
  std::string text;
  std::array<char, 4096> chunk{};
  while (text.size() < kMaxFileBytes) {
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    text.append(chunk.data(), static_cast<size_t>(got));
  }
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

std::optional<uint64_t> ReadNumberFile(const std::string& path) {
  const auto text = ReadSmallFile(path);
  return text ? ParseNumber(*text) : std::nullopt;
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x")) {
    base = 16;
    text.remove_prefix(2);
  }
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number, base);
  if (text.empty() || failure != std::errc{} || stop != end) return std::nullopt;
  return number;
}

std::optional<std::vector<int>> ParseIdList(std::string_view text) {
  // A set, because the kernel promises order but a file in a container may be anything.
  std::set<int> ids;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view item = TakeUntil(rest, ',');
    const auto first = ParseNumber(TakeUntil(item, '-'));
    const auto last = item.empty() ? first : ParseNumber(item);
    if (!first || !last || *first > *last || *last > kMaxListId) return std::nullopt;
    for (uint64_t id = *first; id <= *last; ++id) ids.insert(static_cast<int>(id));
  }
  return std::vector<int>(ids.begin(), ids.end());
}

std::vector<std::string> ListFolder(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
  if (folder == nullptr) return names;
  // readdir is safe here: the stream belongs to this call alone.
  while (const dirent* entry = ::readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe)
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<int> ParseSuffix(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  const std::string_view digits = name.substr(prefix.size());
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  const auto number = ParseNumber(digits);
  if (!number || *number > kMaxListId) return std::nullopt;
  return static_cast<int>(*number);
}

}  // namespace mlos
