#pragma once
// The models of the zoo by name: their configurations, and what they are tested against.
#include <string>
#include <vector>

#include <ditharos/models/zoo/model_config.h>

namespace ditharos::models {

/// A published model.
struct ZooModel {
  std::string name;  ///< "DiT-XL/2"
  ModelFamily family = ModelFamily::dit;
  ModelConfig config;
  std::string checked;  ///< what its outputs and gradients are tested against, for small sizes
};

/// All models, by family, smallest first.
[[nodiscard]] const std::vector<ZooModel>& zoo_models();
/// The model of that name, or null.
[[nodiscard]] const ZooModel* find_zoo_model(const std::string& name);
/// The model of that name. ConfigError names those of its family, or the families.
[[nodiscard]] const ZooModel& zoo_model(const std::string& name);
/// The name of the family's model with this configuration, up to what has no influence on its tensors; "" without one.
[[nodiscard]] std::string zoo_name(ModelFamily family, const ModelConfig& config);

}  // namespace ditharos::models
