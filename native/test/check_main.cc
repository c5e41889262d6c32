#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "check.h"

namespace mlos::test {
namespace {

struct Test {
  std::string_view name;
  std::function<void()> body;
};

// Functions, so that they exist whichever file registers first.
std::vector<Test>& Tests() {
  static std::vector<Test> tests;
  return tests;
}

int& Failures() {
  static int failures = 0;
  return failures;
}

// A test that hangs must fail, not wait for the patience of whoever started it.
constexpr unsigned kWatchdogSeconds = 100;

}  // namespace

Registration::Registration(std::string_view name, std::function<void()> body) {
  Tests().push_back({name, std::move(body)});
}

void ReportFailure(std::string_view file, int line, const std::string& what) {
  ++Failures();
  std::fprintf(stderr, "%.*s:%d: not true: %s\n", static_cast<int>(file.size()), file.data(), line,
               what.c_str());
}

TempFolder::TempFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "mlos-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TempFolder::Write(const std::string& relative_path, std::string_view text) const {
  const std::filesystem::path file = std::filesystem::path(path_) / relative_path;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

int RunAll(std::string_view only) {
  int passed = 0;
  int failed = 0;
  for (const Test& test : Tests()) {
    if (test.name.find(only) == std::string_view::npos) continue;
    const int before = Failures();
    ::alarm(kWatchdogSeconds);
    test.body();
    ::alarm(0);
    const bool ok = Failures() == before;
    ++(ok ? passed : failed);
    std::printf("%s %.*s\n", ok ? "ok  " : "FAIL", static_cast<int>(test.name.size()),
                test.name.data());
    std::fflush(stdout);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace mlos::test

/// With an argument, runs the tests whose name contains it.
int main(int argc, char** argv) { return mlos::test::RunAll(argc > 1 ? argv[1] : ""); }
