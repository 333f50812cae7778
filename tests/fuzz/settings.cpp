#include "examples/common/dit_run.h"
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// What is read is written as text that reads back to the same.
void fuzz_settings(std::string_view bytes) {
  examples::DiTRun run, again;
  examples::Settings settings("", ""), others("", "");
  describe(settings, run);
  describe(others, again);
  settings.read(std::string(bytes), "a.toml");
  others.read(settings.to_toml(), "b.toml");
  demand(others.to_toml() == settings.to_toml(), "the same settings when they are read again");
  fuzz_one([](std::string_view text) {
    examples::DiTRun fresh;
    examples::Settings table("", "");
    describe(table, fresh);
    table.read(std::string(text), "a.toml");
    training::check_schedule(fresh.train);
    settle(fresh);
    models::count_parameters(fresh.model);
  }, bytes);
}

}  // namespace ditharos::tests
