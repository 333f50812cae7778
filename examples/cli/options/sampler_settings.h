#pragma once
// The settings of a sampler that images and clips have in common.
#include <ditharos/models/samplers/config.h>
#include "examples/cli/settings.h"

namespace ditharos::examples {

/// Adds `sampler`, those of the samplers for which `offered` is true, and the settings of these samplers to a section.
void describe_samplers(Settings& settings, const std::string& section, models::SamplerConfig& sampler,
                       bool (*offered)(models::SamplerKind));
/// Adds the settings of feature caching and of the rescaling of guidance to a section.
void describe_caching(Settings& settings, const std::string& section, models::SamplerConfig& sampler);

}  // namespace ditharos::examples
