#include "examples/cli/options/sampler_settings.h"

namespace ditharos::examples {

using models::CacheMethod;
using models::SamplerKind;

namespace {

/// A line for each sampler.
std::string list_of(bool (*offered)(SamplerKind)) {
  std::string text = "the sampler, for which objective:\n";
  for (const SamplerKind kind : models::all_samplers()) {
    if (!offered(kind)) continue;
    const bool flow = models::samples_flow(kind), gaussian = models::samples_gaussian(kind);
    const char* process = flow && gaussian ? "" : flow ? " (flow)" : gaussian ? " (gaussian)" : " (mean_flow)";
    text += std::string(models::name_of(kind)) + ": " + models::describe(kind) + process + "\n";
  }
  return text;
}

bool has_order(SamplerKind kind) { return kind == SamplerKind::adams_bashforth || models::is_multistep(kind); }

}  // namespace

void describe_samplers(Settings& settings, const std::string& section, models::SamplerConfig& sampler,
                       bool (*offered)(SamplerKind)) {
  settings.section(section)
      .add("sampler", sampler.kind, list_of(offered), models::named_samplers(offered))
      .add("sampler_order", sampler.order, "adams_bashforth: 2 to 4; dpmpp_2m and dpmpp_2m_sde: 1 or 2; unipc: 1 to 3",
           between(1, 4))
      .add("absolute_tolerance", sampler.absolute_tolerance, "dopri5: error allowed, see error_control", between(0, 1))
      .add("relative_tolerance", sampler.relative_tolerance, "dopri5: the same as a share of the sample", between(0, 1))
      .add("error_control", sampler.error_control,
           "dopri5: keep the error of each step below the tolerance, or that "
           "of the whole solution (global), which takes several solutions",
           {{"step", models::ErrorControl::step}, {"global", models::ErrorControl::global}})
      .add("lower_order_final", sampler.lower_order_final, "multistep samplers: end with steps of lower order")
      .add("unipc_variant", sampler.unipc_variant, "unipc: its function B",
           {{"bh1", models::UniPcVariant::bh1}, {"bh2", models::UniPcVariant::bh2}});
  settings.only_with(
      {"sampler_order"}, [&sampler] { return has_order(sampler.kind); },
      "the sampler adams_bashforth or a multistep one");
  settings.only_with(
      {"absolute_tolerance", "relative_tolerance", "error_control"},
      [&sampler] { return sampler.kind == SamplerKind::dopri5; }, "the sampler dopri5");
  settings.only_with(
      {"lower_order_final"}, [&sampler] { return models::is_multistep(sampler.kind); }, "a multistep sampler");
  settings.only_with({"unipc_variant"}, [&sampler] { return sampler.kind == SamplerKind::unipc; }, "the sampler unipc");
}

void describe_caching(Settings& settings, const std::string& section, models::SamplerConfig& sampler) {
  settings.section(section)
      .add("guidance_rescale", sampler.guidance.rescale,
           "how far guided predictions get the deviation of unguided ones: 0 not, 1 fully", between(0, 1))
      .add("feature_cache", sampler.caching.method,
           "reuse what the blocks computed in earlier steps: fora as it was, taylorseer extrapolated",
           {{"none", CacheMethod::none}, {"fora", CacheMethod::fora}, {"taylorseer", CacheMethod::taylorseer}})
      .add("cache_interval", sampler.caching.interval, "feature_cache: one step out of so many is computed in full",
           between(1, 1000))
      .add("cache_order", sampler.caching.order, "taylorseer: order of the extrapolation", between(0, 8));
  settings.only_with(
      {"guidance_rescale"}, [&sampler] { return sampler.guidance.scale != 1; }, "a guidance other than 1");
  settings.only_with(
      {"cache_interval"}, [&sampler] { return sampler.caching.method != CacheMethod::none; }, "a feature_cache");
  settings.only_with(
      {"cache_order"}, [&sampler] { return sampler.caching.method == CacheMethod::taylorseer; },
      "feature_cache = \"taylorseer\"");
}

}  // namespace ditharos::examples
