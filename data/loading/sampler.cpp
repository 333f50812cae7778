#include <ditharos/data/loading/sampler.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/random.h>

namespace ditharos::data {
namespace {

Generator generator_of(uint64_t seed, uint64_t epoch) { return Generator(seed).fork(epoch); }

std::vector<int64_t> values(const Tensor& x) {
  const int64_t* first = x.data<int64_t>();
  return {first, first + x.numel()};
}

}  // namespace

std::vector<int64_t> SequentialSampler::operator()(uint64_t) const {
  std::vector<int64_t> order(static_cast<size_t>(size_));
  std::iota(order.begin(), order.end(), int64_t{0});
  return order;
}

RandomSampler::RandomSampler(int64_t size, uint64_t seed, bool replacement, int64_t num_samples)
    : size_(size), num_samples_(num_samples > 0 ? num_samples : size), seed_(seed), replacement_(replacement) {
  check<ConfigError>(size > 0 && num_samples >= 0, "[RandomSampler] needs samples, got a size of ", size, " and ",
                     num_samples, " samples to draw");
  check<ConfigError>(replacement || num_samples <= size, "[RandomSampler] cannot draw ", num_samples, " of ", size,
                     " samples without replacement");
}

std::vector<int64_t> RandomSampler::operator()(uint64_t epoch) const {
  Generator rng = generator_of(seed_, epoch);
  if (replacement_) return values(rng.randint(0, size_, {num_samples_}));
  std::vector<int64_t> order = values(rng.permutation(size_));
  order.resize(static_cast<size_t>(num_samples_));
  return order;
}

std::vector<int64_t> SubsetRandomSampler::operator()(uint64_t epoch) const {
  std::vector<int64_t> order = values(generator_of(seed_, epoch).permutation(static_cast<int64_t>(indices_.size())));
  for (int64_t& i : order) i = indices_[static_cast<size_t>(i)];
  return order;
}

WeightedRandomSampler::WeightedRandomSampler(std::vector<double> weights, int64_t num_samples, uint64_t seed,
                                             bool replacement)
    : weights_(std::move(weights)), num_samples_(num_samples), seed_(seed), replacement_(replacement) {
  double sum = 0;
  for (const double weight : weights_) {
    check<ConfigError>(std::isfinite(weight) && weight >= 0,
                       "[WeightedRandomSampler] every weight must be a number >= 0, got ", weight);
    sums_.push_back(sum += weight);
  }
  check<ConfigError>(std::isfinite(sum) && sum > 0, "[WeightedRandomSampler] the weights add up to ", sum);
  check<ConfigError>(num_samples >= 1, "[WeightedRandomSampler] num_samples must be at least 1, got ", num_samples);
  const auto drawable = std::count_if(weights_.begin(), weights_.end(), [](double weight) { return weight > 0; });
  check<ConfigError>(replacement || num_samples <= drawable, "[WeightedRandomSampler] cannot draw ", num_samples,
                     " samples without replacement: ", drawable, " have a weight above 0");
}

std::vector<int64_t> WeightedRandomSampler::operator()(uint64_t epoch) const {
  Generator rng = generator_of(seed_, epoch);
  std::vector<int64_t> order;
  if (replacement_) {
    const Tensor draws = rng.uniform({num_samples_}, DType::f64);
    for (int64_t k = 0; k < num_samples_; ++k) {
      // The first sum above the draw. That of a weight of 0 equals the one before it, and is never the first.
      const double draw = draws.data<double>()[k] * sums_.back();
      auto found = std::upper_bound(sums_.begin(), sums_.end(), draw);
      if (found == sums_.end()) found = std::lower_bound(sums_.begin(), sums_.end(), sums_.back());  // rounded up
      order.push_back(found - sums_.begin());
    }
    return order;
  }
  // Index i waits for a time of the exponential distribution with rate weight[i]; the first ones are drawn.
  const Tensor draws = rng.uniform({static_cast<int64_t>(weights_.size())}, DType::f64);
  std::vector<std::pair<double, int64_t>> times;
  for (size_t i = 0; i < weights_.size(); ++i)
    if (weights_[i] > 0) times.emplace_back(-std::log1p(-draws.data<double>()[i]) / weights_[i], int64_t(i));
  std::partial_sort(times.begin(), times.begin() + num_samples_, times.end());
  for (int64_t k = 0; k < num_samples_; ++k) order.push_back(times[static_cast<size_t>(k)].second);
  return order;
}

BatchSampler::BatchSampler(SampleOrder sampler, int64_t batch_size, bool drop_last)
    : sampler_(std::move(sampler)), batch_size_(batch_size), drop_last_(drop_last) {
  check<ConfigError>(batch_size >= 1, "[BatchSampler] batch_size must be at least 1, got ", batch_size);
  check<ConfigError>(static_cast<bool>(sampler_), "[BatchSampler] needs a sampler");
}

std::vector<std::vector<int64_t>> BatchSampler::operator()(uint64_t epoch) const {
  const std::vector<int64_t> order = sampler_(epoch);
  std::vector<std::vector<int64_t>> batches;
  const auto size = static_cast<int64_t>(order.size());
  for (int64_t first = 0; first < size; first += batch_size_) {
    const int64_t end = std::min(first + batch_size_, size);
    if (end - first == batch_size_ || !drop_last_) batches.emplace_back(order.begin() + first, order.begin() + end);
  }
  return batches;
}

}  // namespace ditharos::data
