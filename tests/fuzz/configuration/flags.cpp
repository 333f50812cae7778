#include <sstream>
#include <vector>

#include "examples/cli/options/dit_settings.h"
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// The lines of the text as the arguments of train_dit. What is read is written as text that reads back to the same.
void fuzz_flags(std::string_view bytes) {
  std::vector<std::string> words{"train_dit"};
  std::istringstream lines{std::string(bytes)};
  for (std::string line; std::getline(lines, line) && words.size() < 64;)
    if (!line.starts_with("--config")) words.emplace_back(line.c_str());  // a command line has no zero bytes
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());
  examples::DiTSettings run, again;
  examples::Settings settings("", ""), others("", "");
  describe(settings, run);
  describe(others, again);
  std::ostringstream out;
  if (!settings.parse(int(arguments.size()), arguments.data(), out)) return;
  others.read(settings.to_toml(), "b.toml");
  demand(others.to_toml() == settings.to_toml(), "the same settings when they are read again");
}

}  // namespace ditharos::tests
