// Every key of every program's configuration, misspelt and with a value of another type.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "examples/cli/options/autoencoder_settings.h"
#include "examples/cli/options/dit_settings.h"
#include "examples/cli/options/video_settings.h"
#include "tests/examples/toml_keys.h"
#include "tests/support/data_files.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::examples;
using namespace ditharos::tests;

namespace {

/// Typing errors: a letter lost, doubled or wrong, and two neighbours swapped.
std::vector<std::string> misspellings(const std::string& name) {
  std::vector<std::string> all;
  for (size_t i = 0; i < name.size(); ++i) {
    all.push_back(name.substr(0, i) + name.substr(i + 1));
    all.push_back(name.substr(0, i) + name[i] + name.substr(i));
    std::string wrong = name;
    wrong[i] = wrong[i] == 'x' ? 'q' : 'x';
    all.push_back(wrong);
    if (i + 1 < name.size()) {
      std::string swapped = name;
      std::swap(swapped[i], swapped[i + 1]);
      all.push_back(swapped);
    }
  }
  return all;
}

/// Every misspelling of every key is refused with file, line and column, and suggests a key: the right one, or another
/// that it is as near to.
template <class Run>
void misspell_all() {
  Run defaults;
  Settings table("", "");
  describe(table, defaults);
  const std::vector<TomlKey> keys = keys_in(table.to_toml());
  std::set<std::string> names, sections;
  for (const TomlKey& key : keys) names.insert(key.name), sections.insert(key.section);
  int tried = 0, right = 0;
  for (const TomlKey& key : keys) {
    for (const std::string& name : misspellings(key.name)) {
      if (names.contains(name) || name.empty()) continue;
      CAPTURE(name);
      CAPTURE(key.name);
      const std::string text = "[" + key.section + "]\n" + name + " = " + key.value + "\n";
      const std::string message = message_of<ConfigError>([&] { table.read(text, "a.toml"); });
      ++tried;
      CHECK_MESSAGE(message.starts_with("a.toml:2:1: unknown key "), message);
      right += contains(message, "did you mean \"" + key.name + "\"");
      if (key.name.size() >= 4) CHECK_MESSAGE(contains(message, "did you mean \""), message);
    }
    if (sections.contains(key.name)) continue;  // outside of sections it is the name of one
    // The right key in no section.
    const std::string outside = message_of<ConfigError>([&] { table.read(key.name + " = 1\n", "a.toml"); });
    CHECK_MESSAGE(contains(outside, "it belongs in [" + key.section + "]"), outside);
  }
  MESSAGE(keys.size() << " keys, " << tried << " misspellings refused, " << right << " with the right suggestion");
  CHECK(right >= tried * 95 / 100);
}

/// The keys of a program's configuration with their sections, as --help lists them.
std::vector<TomlKey> keys_of_program(const std::string& program) {
  std::vector<TomlKey> keys;
  std::string section;
  std::istringstream help(run_program(program, {"--help"}).output);
  for (std::string line; std::getline(help, line);) {
    const size_t open = line.find('['), close = line.find(']'), flag = line.find("--");
    if (open == 0 && close != std::string::npos) section = line.substr(1, close - 1);
    else if (line.find_first_not_of(' ') == 0) section.clear();
    if (section.empty() || flag == std::string::npos || line.find_first_not_of(' ') != flag) continue;
    std::string name = line.substr(flag + 2, line.find(' ', flag) - flag - 2);
    if (name.starts_with("[no-]")) name.erase(0, 5);
    std::replace(name.begin(), name.end(), '-', '_');
    keys.push_back({section, name, "1979-05-27"});
  }
  return keys;
}

void refuse_in_program(const std::string& program, size_t most) {
  const TemporaryFolder folder;
  const std::string file = folder / "a.toml";
  const std::vector<TomlKey> keys = keys_of_program(program);
  CHECK(keys.size() >= 2);
  for (size_t i = 0; i < std::min(most, keys.size()); ++i) {
    const TomlKey& key = keys[most >= keys.size() ? i : i * keys.size() / most];
    CAPTURE(program);
    CAPTURE(key.name);
    const auto refused = [&](const std::string& text, const std::string& part) {
      write_bytes(file, text);
      const Outcome outcome = run_program(program, {"--config", file});
      CHECK_MESSAGE(outcome.status == 2, outcome.output);
      CHECK_MESSAGE(contains(outcome.output, program + ": " + file + ":2:"), outcome.output);
      CHECK_MESSAGE(contains(outcome.output, part), outcome.output);
    };
    refused("[" + key.section + "]\n" + key.name + key.name.back() + " = 1\n", "unknown key");
    refused(key.text(), key.name + " in [" + key.section + "] must be");  // no setting is a date
  }
}

void refuse_in_programs(size_t most) {
  for (const char* program :
       {"train_dit", "train_video", "train_autoencoder", "sample_dit", "evaluate", "evaluate_video"})
    refuse_in_program(program, most);
}

}  // namespace

TEST_CASE("R13: every misspelt key of train_dit is refused with file, line and a suggestion") {
  misspell_all<DiTSettings>();
}
TEST_CASE("R13: every misspelt key of train_video is refused with file, line and a suggestion") {
  misspell_all<VideoSettings>();
}
TEST_CASE("R13: every misspelt key of train_autoencoder is refused with file, line and a suggestion") {
  misspell_all<AutoencoderSettings>();
}

TEST_CASE("R13: programs end with status 2, file and line for a misspelt key and for a value of another type") {
  refuse_in_programs(4);
}

TEST_CASE("R13: programs end with status 2, file and line for every key misspelt and of another type [slow]") {
  refuse_in_programs(1000);
}
