#pragma once
// The configuration of sampling, for images and clips.
#include <cstdint>

#include <ditharos/models/diffusion/guidance.h>

namespace ditharos::models {

enum class SamplerKind { ddpm, ddim, euler, heun };
/// "ddpm", "ddim", "euler" or "heun".
[[nodiscard]] const char* name_of(SamplerKind kind);
/// Whether a sampler integrates a flow (euler, heun) instead of a Gaussian process.
[[nodiscard]] inline bool samples_flow(SamplerKind kind) {
  return kind == SamplerKind::euler || kind == SamplerKind::heun;
}

struct SamplerConfig {
  SamplerKind kind = SamplerKind::euler;  ///< ddpm and ddim need a Gaussian process, euler and heun a flow
  int64_t steps = 30;                     ///< of the sampler; heun calls the network twice per step
  double eta = 0;                         ///< ddim: 0 deterministic, 1 as noisy as ddpm
  bool clip = false;                      ///< ddpm, ddim: limit predicted pixels to [-1, 1]
  Guidance guidance = {};

  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;
  friend bool operator==(const SamplerConfig&, const SamplerConfig&) = default;
};

}  // namespace ditharos::models
