#include <ditharos/models/samplers/config.h>

#include <ditharos/tensor/error.h>

namespace ditharos::models {

const char* name_of(SamplerKind kind) {
  constexpr const char* names[] = {"ddpm", "ddim", "euler", "heun"};
  return names[static_cast<int>(kind)];
}

void SamplerConfig::validate() const {
  check<ConfigError>(steps >= 1, "sampling needs at least one step, got ", steps);
  check<ConfigError>(eta >= 0 && eta <= 1, "eta must be in [0, 1], got ", eta);
  guidance.validate();
}

}  // namespace ditharos::models
