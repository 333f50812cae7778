// Each requirement of docs/reliability.md has a row there and tests that carry its number.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <ditharos/tensor/io/file.h>
#include "tests/support/paths.h"

using namespace ditharos;
namespace fs = std::filesystem;

namespace {

constexpr int requirements = 17;

/// The names of the test cases in a text that begin with "R<number>: ", by number.
std::multimap<int, std::string> numbered_cases(const std::string& text) {
  static const std::regex name("TEST_CASE\\(\"R([0-9]+): ([^\"]+)\"");
  std::multimap<int, std::string> cases;
  for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it)
    cases.emplace(std::stoi((*it)[1]), (*it)[2]);
  return cases;
}

}  // namespace

TEST_CASE("requirements: R1 to R17 have tests that carry their number, and a row in docs/reliability.md") {
  std::multimap<int, std::string> cases;
  for (const auto& entry : fs::recursive_directory_iterator(tests::source_folder() + "/tests"))
    if (entry.path().extension() == ".cpp") cases.merge(numbered_cases(read_file(entry.path().string(), 1 << 22)));
  const std::string page = read_file(tests::source_folder() + "/docs/reliability.md", 1 << 20);
  for (int number = 1; number <= requirements; ++number) {
    CAPTURE(number);
    CHECK(cases.contains(number));
    CHECK(page.find("\n| R" + std::to_string(number) + " |") != std::string::npos);
  }
  for (const auto& named : cases) CHECK_MESSAGE((named.first >= 1 && named.first <= requirements), named.second);
}

TEST_CASE("requirements: every command of docs/reliability.md names a test case that exists") {
  std::multimap<int, std::string> cases;
  for (const auto& entry : fs::recursive_directory_iterator(tests::source_folder() + "/tests"))
    if (entry.path().extension() == ".cpp") cases.merge(numbered_cases(read_file(entry.path().string(), 1 << 22)));
  const std::string page = read_file(tests::source_folder() + "/docs/reliability.md", 1 << 20);
  static const std::regex filter("-tc='R([0-9]+): ([^'*]*)\\*?([^'*]*)'");
  int named = 0;
  for (std::sregex_iterator it(page.begin(), page.end(), filter), end; it != end; ++it, ++named) {
    const auto [first, last] = cases.equal_range(std::stoi((*it)[1]));
    bool found = false;
    for (auto at = first; at != last; ++at) found |= at->second.starts_with((*it)[2].str());
    CHECK_MESSAGE(found, it->str());
  }
  CHECK(named > 0);
}
