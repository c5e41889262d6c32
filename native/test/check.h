#ifndef MLOS_TEST_CHECK_H_
#define MLOS_TEST_CHECK_H_

#include <functional>
#include <string>
#include <string_view>

namespace mlos::test {

/// A harness of one page: tests register themselves, a failed check is printed with its place and
/// the test goes on.

struct Registration {
  Registration(std::string_view name, std::function<void()> body);
};

void ReportFailure(std::string_view file, int line, const std::string& what);

template <typename A, typename B>
void CheckEqual(const A& actual, const B& expected, std::string_view text, std::string_view file,
                int line) {
  if (!(actual == expected)) ReportFailure(file, line, std::string(text));
}

/// A new empty folder, removed with everything in it when the object goes.
class TempFolder {
 public:
  TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder();

  const std::string& path() const { return path_; }
  /// Writes a file below the folder, with the folders above it.
  void Write(const std::string& relative_path, std::string_view text) const;

 private:
  std::string path_;
};

}  // namespace mlos::test

#define MLOS_TEST(name)                                                          \
  static void Test_##name();                                                     \
  static const mlos::test::Registration registration_##name(#name, Test_##name); \
  static void Test_##name()

#define CHECK(condition) \
  if (!(condition)) mlos::test::ReportFailure(__FILE__, __LINE__, #condition)

#define CHECK_EQ(actual, expected) \
  mlos::test::CheckEqual(actual, expected, #actual " == " #expected, __FILE__, __LINE__)

/// For what the rest of a test cannot do without.
#define REQUIRE(condition)                                                   \
  if (!(condition)) {                                                        \
    mlos::test::ReportFailure(__FILE__, __LINE__, #condition " (required)"); \
    return;                                                                  \
  }

#endif  // MLOS_TEST_CHECK_H_
