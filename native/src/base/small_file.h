#ifndef MLOS_BASE_SMALL_FILE_H_
#define MLOS_BASE_SMALL_FILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlos {

/// Readers for the one-line files of sysfs and procfs. What is absent, unreadable or malformed is
/// nullopt: a host without a file is ordinary, not an error.

/// The whole text, without white space at its end. At most 1 MiB is read.
std::optional<std::string> ReadSmallFile(const std::string& path);

/// A file that holds one number; decimal, or hexadecimal with 0x.
std::optional<uint64_t> ReadNumberFile(const std::string& path);

/// A decimal number, or a hexadecimal one with 0x, and nothing else.
std::optional<uint64_t> ParseNumber(std::string_view text);

/// The kernel's list format, as "0-3,8,10-11": ascending numbers. Nullopt when malformed or when
/// a number is above 65,535.
std::optional<std::vector<int>> ParseIdList(std::string_view text);

/// Names in a folder, sorted; empty when it cannot be read.
std::vector<std::string> ListFolder(const std::string& path);

/// The number N of a name "<prefix>N"; nullopt for any other name.
std::optional<int> ParseSuffix(std::string_view name, std::string_view prefix);

}  // namespace mlos

#endif  // MLOS_BASE_SMALL_FILE_H_
