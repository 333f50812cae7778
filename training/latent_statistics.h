#pragma once
// What an autoencoder's latents are normalised by, measured on the data that it is trained on.
#include <vector>

#include <ditharos/data/loading/loader.h>
#include <ditharos/models/autoencoder/video.h>

namespace ditharos::training {

/// Sets the latents' mean and standard deviation from `count` clips of each shape, with the weights that the model has
/// now.
void measure_latents(models::VideoAutoencoder& model, const data::DataSource& source,
                     const std::vector<data::Bucket>& buckets, int64_t count = 128);

}  // namespace ditharos::training
