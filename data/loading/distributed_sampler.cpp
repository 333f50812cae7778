#include <ditharos/data/loading/distributed_sampler.h>

#include <ditharos/data/loading/sampler.h>
#include <ditharos/tensor/error.h>

namespace ditharos::data {

DistributedSampler::DistributedSampler(int64_t size, int64_t num_replicas, int64_t rank, const Options& options)
    : size_(size), num_replicas_(num_replicas), rank_(rank), num_samples_(0), options_(options) {
  check<ConfigError>(size > 0, "[DistributedSampler] needs samples, got a size of ", size);
  check<ConfigError>(num_replicas >= 1 && rank >= 0 && rank < num_replicas, "[DistributedSampler] the rank must be in ",
                     "[0, num_replicas), got rank ", rank, " of ", num_replicas);
  check<ConfigError>(!options.drop_last || size >= num_replicas, "[DistributedSampler] ", size,
                     " samples are too few for ", num_replicas, " processes with drop_last");
  num_samples_ = size / num_replicas + (options.drop_last || size % num_replicas == 0 ? 0 : 1);
}

std::vector<int64_t> DistributedSampler::operator()(uint64_t epoch) const {
  const std::vector<int64_t> order =
      options_.shuffle ? RandomSampler(size_, options_.seed)(epoch) : SequentialSampler(size_)(epoch);
  std::vector<int64_t> share;
  for (int64_t k = 0; k < num_samples_; ++k)
    share.push_back(order[static_cast<size_t>((k * num_replicas_ + rank_) % size_)]);
  return share;
}

}  // namespace ditharos::data
