#include "examples/zoo/command.h"

namespace ditharos::examples {

void Hints::describe(Settings& settings) {
  settings.options()
      .add("model", model, "its name (\"zoo list\") or its family (SiT), if the tensors do not tell it")
      .add("config", config,
           "diffusers' config.json, or a JSON object of the constructor arguments of the paper's "
           "code: {\"num_heads\": 16}");
}

models::RecognitionHints Hints::read() const {
  return {.model = model, .config = config.empty() ? models::JsonObject() : models::JsonObject::load(config)};
}

Settings command(const std::string& name, const std::string& summary) {
  Settings settings("zoo " + name, summary);
  settings.without_config_file();
  return settings;
}

}  // namespace ditharos::examples
