#include <ditharos/training/latent_statistics.h>

#include <algorithm>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/data/loading/clip_buckets.h>

namespace ditharos::training {

void measure_latents(models::Autoencoder& model, const data::DataSource& source,
                     const std::vector<data::Bucket>& buckets, int64_t count) {
  const NoGrad no_grad;
  models::LatentStatistics statistics(model.latent_channels());
  count = std::min(count, source.size());
  for (const data::Bucket& bucket : buckets) {
    for (int64_t first = 0; first < count; first += bucket.batch_size) {
      const int64_t some = std::min(bucket.batch_size, count - first);
      statistics.add(model.encode(clip_batch(source, bucket.shape, first, some).samples).mean);
    }
  }
  model.set_latent_statistics(statistics.mean(), statistics.standard_deviation());
}

}  // namespace ditharos::training
