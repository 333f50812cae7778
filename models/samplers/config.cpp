#include <ditharos/models/samplers/config.h>

#include <ditharos/models/samplers/multistep/dpm_solver.h>
#include <ditharos/tensor/error.h>

namespace ditharos::models {
namespace {

enum class Family { ddpm, ode, sde, multistep, mean_flow };

struct Row {
  SamplerKind kind;
  const char* name;
  Family family;
  bool flow, gaussian, stochastic;
  const char* description;
};

constexpr Row rows[] = {
    {SamplerKind::ddpm, "ddpm", Family::ddpm, false, true, true, "ancestral sampling, noise in each step"},
    {SamplerKind::ddim, "ddim", Family::ddpm, false, true, false, "deterministic at eta 0"},
    {SamplerKind::euler, "euler", Family::ode, true, false, false, "order 1, one network call a step"},
    {SamplerKind::heun, "heun", Family::ode, true, false, false, "order 2, two network calls a step"},
    {SamplerKind::midpoint, "midpoint", Family::ode, true, false, false, "order 2, two network calls a step"},
    {SamplerKind::adams_bashforth, "adams_bashforth", Family::ode, true, false, false,
     "order 2 to 4, one network call a step"},
    {SamplerKind::dopri5, "dopri5", Family::ode, true, false, false, "order 5, steps as the tolerance needs"},
    {SamplerKind::euler_maruyama, "euler_maruyama", Family::sde, true, false, true, "SiT's stochastic equation"},
    {SamplerKind::sde_heun, "sde_heun", Family::sde, true, false, true, "the same with two network calls a step"},
    {SamplerKind::dpmpp_2m, "dpmpp_2m", Family::multistep, true, true, false, "DPM-Solver++, one network call a step"},
    {SamplerKind::dpmpp_2m_sde, "dpmpp_2m_sde", Family::multistep, true, true, true,
     "the same with noise in each step"},
    {SamplerKind::unipc, "unipc", Family::multistep, true, true, false,
     "predictor and corrector, one network call a step"},
    {SamplerKind::mean_flow, "mean_flow", Family::mean_flow, false, false, false,
     "average velocities, one or a few steps"},
};

const Row& row_of(SamplerKind kind) { return rows[static_cast<int>(kind)]; }

}  // namespace

const char* name_of(SamplerKind kind) { return row_of(kind).name; }
const char* describe(SamplerKind kind) { return row_of(kind).description; }
bool samples_flow(SamplerKind kind) { return row_of(kind).flow; }
bool samples_gaussian(SamplerKind kind) { return row_of(kind).gaussian; }
bool samples_mean_flow(SamplerKind kind) { return row_of(kind).family == Family::mean_flow; }
bool is_stochastic(SamplerKind kind) { return row_of(kind).stochastic; }
bool solves_ode(SamplerKind kind) { return row_of(kind).family == Family::ode; }
bool solves_sde(SamplerKind kind) { return row_of(kind).family == Family::sde; }
bool is_multistep(SamplerKind kind) { return row_of(kind).family == Family::multistep; }

const std::vector<SamplerKind>& all_samplers() {
  static const std::vector<SamplerKind> all = [] {
    std::vector<SamplerKind> kinds;
    for (const Row& row : rows) kinds.push_back(row.kind);
    return kinds;
  }();
  return all;
}

std::vector<std::pair<const char*, SamplerKind>> named_samplers(bool (*holds)(SamplerKind)) {
  std::vector<std::pair<const char*, SamplerKind>> named;
  for (const Row& row : rows)
    if (holds(row.kind)) named.emplace_back(row.name, row.kind);
  return named;
}

std::string sampler_names(bool (*holds)(SamplerKind)) {
  const auto named = named_samplers(holds);
  std::string text;
  for (size_t i = 0; i < named.size(); ++i)
    text += (i == 0 ? "" : i + 1 == named.size() ? " and " : ", ") + std::string(named[i].first);
  return text;
}

void SamplerConfig::validate() const {
  check<ConfigError>(steps >= 1, "sampling needs at least one step, got ", steps);
  check<ConfigError>(eta >= 0 && eta <= 1, "eta must be in [0, 1], got ", eta);
  guidance.validate();
  caching.validate();
  if (kind == SamplerKind::adams_bashforth) OdeOptions{.method = OdeMethod::adams_bashforth, .order = order}.validate();
  if (kind == SamplerKind::dpmpp_2m || kind == SamplerKind::dpmpp_2m_sde) DpmSolverOptions{.order = order}.validate();
  if (kind == SamplerKind::unipc) UniPcOptions{.order = order}.validate();
  OdeOptions{.absolute_tolerance = absolute_tolerance, .relative_tolerance = relative_tolerance}.validate();
  sde.validate();
  check<ConfigError>(!solves_sde(kind) || steps >= 2, name_of(kind), " needs 2 steps or more, got ", steps);
  check<ConfigError>(!karras_sigmas || (is_multistep(kind) && spacing == TimeSpacing::linspace),
                     "Karras' noise levels are for ", sampler_names(is_multistep), " with linspace spacing, not for ",
                     name_of(kind), " with ", name_of(spacing));
  check<ConfigError>(caching.method == CacheMethod::none || kind != SamplerKind::dopri5, "feature caching needs steps ",
                     "of a known length: use euler, adams_bashforth or a multistep sampler instead of dopri5");
}

}  // namespace ditharos::models
