#pragma once
// The configuration of sampling, for images and clips.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ditharos/models/diffusion/guidance.h>
#include <ditharos/models/samplers/feature_cache.h>
#include <ditharos/models/samplers/multistep/time_grid.h>
#include <ditharos/models/samplers/multistep/unipc.h>
#include <ditharos/models/samplers/ode.h>
#include <ditharos/models/samplers/sde.h>

namespace ditharos::models {

enum class SamplerKind {
  ddpm,
  ddim,
  euler,
  heun,
  midpoint,
  adams_bashforth,
  dopri5,
  euler_maruyama,
  sde_heun,
  dpmpp_2m,
  dpmpp_2m_sde,
  unipc,
  mean_flow
};
/// "ddpm", "ddim", "euler", "heun", "midpoint", "adams_bashforth", "dopri5", "euler_maruyama", "sde_heun", "dpmpp_2m",
/// "dpmpp_2m_sde", "unipc" or "mean_flow".
[[nodiscard]] const char* name_of(SamplerKind kind);
/// All of them, in the order of the enumeration.
[[nodiscard]] const std::vector<SamplerKind>& all_samplers();
/// What the sampler is, in a line: "order 2, two network calls a step".
[[nodiscard]] const char* describe(SamplerKind kind);

/// Whether a sampler samples from a flow.
[[nodiscard]] bool samples_flow(SamplerKind kind);
/// Whether a sampler samples from a Gaussian process.
[[nodiscard]] bool samples_gaussian(SamplerKind kind);
/// Whether a sampler samples from a MeanFlow.
[[nodiscard]] bool samples_mean_flow(SamplerKind kind);
/// Whether a sampler draws noise in its steps.
[[nodiscard]] bool is_stochastic(SamplerKind kind);
/// Whether a sampler solves a flow's ordinary differential equation.
[[nodiscard]] bool solves_ode(SamplerKind kind);
/// Whether a sampler solves a flow's stochastic differential equation (SiT).
[[nodiscard]] bool solves_sde(SamplerKind kind);
/// Whether a sampler steps in the half log-SNR and remembers predictions (DPM-Solver++, UniPC).
[[nodiscard]] bool is_multistep(SamplerKind kind);
/// Those for which `holds` is true, with their names.
[[nodiscard]] std::vector<std::pair<const char*, SamplerKind>> named_samplers(bool (*holds)(SamplerKind));
/// "euler, heun and midpoint": the names of those for which `holds` is true.
[[nodiscard]] std::string sampler_names(bool (*holds)(SamplerKind));

struct SamplerConfig {
  SamplerKind kind = SamplerKind::euler;  ///< must fit the process: see samples_flow and so on
  int64_t steps = 30;  ///< heun, midpoint and sde_heun call the network twice a step; dopri5 chooses its own number
  double eta = 0;      ///< ddim: 0 deterministic, 1 as noisy as ddpm
  bool clip = false;   ///< of a Gaussian process: limit predicted pixels to [-1, 1]
  Guidance guidance = {};
  int64_t order = 2;  ///< adams_bashforth: 2 to 4; dpmpp_2m, dpmpp_2m_sde: 1 or 2; unipc: 1 to 3
  double absolute_tolerance = 1e-6, relative_tolerance = 1e-3;  ///< dopri5, see OdeOptions
  ErrorControl error_control = ErrorControl::step;              ///< dopri5, see OdeOptions
  bool lower_order_final = true;                                ///< see DpmSolverOptions and UniPcOptions
  UniPcVariant unipc_variant = UniPcVariant::bh2;
  TimeSpacing spacing = TimeSpacing::linspace;  ///< of the steps of a Gaussian process
  bool karras_sigmas = false;  ///< multistep samplers of a Gaussian process: Karras' noise levels instead of a spacing
  SdeOptions sde = {};         ///< euler_maruyama, sde_heun; its method follows from kind
  FeatureCaching caching = {};

  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;
  friend bool operator==(const SamplerConfig&, const SamplerConfig&) = default;
};

}  // namespace ditharos::models
