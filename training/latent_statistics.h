#pragma once
// Measures the mean and standard deviation by which an autoencoder's latents are normalised, on its training data.
#include <vector>

#include <ditharos/data/loading/loader.h>
#include <ditharos/models/autoencoder/autoencoder.h>

namespace ditharos::training {

/// Sets the latents' mean and standard deviation from `count` clips of each shape, with the model's present weights.
void measure_latents(models::Autoencoder& model, const data::DataSource& source,
                     const std::vector<data::Bucket>& buckets, int64_t count = 128);

}  // namespace ditharos::training
