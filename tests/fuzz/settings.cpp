#include <ditharos/models/dit/cost.h>
#include <ditharos/pipelines/stored/stored_configuration.h>
#include "examples/cli/options/dit_settings.h"
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// What is read is written as text that reads back to the same.
void fuzz_settings(std::string_view bytes) {
  // As the configuration in a checkpoint, which nobody wrote by hand.
  fuzz_one([](std::string_view text) { pipelines::read_image_model(std::string(text), "a.ckpt").config.settle(); },
           bytes);
  fuzz_one([](std::string_view text) { pipelines::read_video_model(std::string(text), "a.ckpt").model.validate(); },
           bytes);
  fuzz_one([](std::string_view text) { pipelines::read_autoencoder(std::string(text), "a.ckpt").model.validate(); },
           bytes);
  examples::DiTSettings run, again;
  examples::Settings settings("", ""), others("", "");
  describe(settings, run);
  describe(others, again);
  settings.read(std::string(bytes), "a.toml");
  others.read(settings.to_toml(), "b.toml");
  demand(others.to_toml() == settings.to_toml(), "the same settings when they are read again");
  fuzz_one(
      [](std::string_view text) {
        examples::DiTSettings fresh;
        examples::Settings table("", "");
        describe(table, fresh);
        table.read(std::string(text), "a.toml");
        training::check_schedule(fresh.train);
        fresh.settle();
        models::count_parameters(fresh.model);
      },
      bytes);
}

}  // namespace ditharos::tests
