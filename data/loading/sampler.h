#pragma once
// The orders in which samples are read, as the samplers of torch.utils.data.
//
// A sampler is a function of the number of the epoch, counted from 0, that returns the indices of the epoch's samples.
// It depends on nothing else, so that a run which is resumed in an epoch has the rest of its order. One's own may be a
// lambda:
//
//   const auto every_second = [](uint64_t epoch) { return indices_from(int64_t(epoch % 2)); };
#include <cstdint>
#include <functional>
#include <vector>

namespace ditharos::data {

/// Indices of samples in the order of an epoch.
using SampleOrder = std::function<std::vector<int64_t>(uint64_t epoch)>;
/// The batches of an epoch, each a list of indices.
using BatchOrder = std::function<std::vector<std::vector<int64_t>>(uint64_t epoch)>;

/// 0, 1, ..., size - 1.
class SequentialSampler {
 public:
  explicit SequentialSampler(int64_t size) : size_(size) {}
  std::vector<int64_t> operator()(uint64_t epoch) const;

 private:
  int64_t size_;
};

/// A new order of 0 .. size - 1 in each epoch, that of a Loader with this seed. With `replacement`, num_samples indices
/// each of which is any of them.
class RandomSampler {
 public:
  /// ConfigError unless size > 0, and num_samples >= 0. num_samples 0: size of them; without replacement no more than
  /// size.
  RandomSampler(int64_t size, uint64_t seed, bool replacement = false, int64_t num_samples = 0);
  std::vector<int64_t> operator()(uint64_t epoch) const;

 private:
  int64_t size_, num_samples_;
  uint64_t seed_;
  bool replacement_;
};

/// A new order of these indices in each epoch (SubsetRandomSampler).
class SubsetRandomSampler {
 public:
  SubsetRandomSampler(std::vector<int64_t> indices, uint64_t seed) : indices_(std::move(indices)), seed_(seed) {}
  std::vector<int64_t> operator()(uint64_t epoch) const;

 private:
  std::vector<int64_t> indices_;
  uint64_t seed_;
};

/// num_samples indices, each drawn with a probability in proportion to its weight. Without replacement none comes twice
/// in an epoch: the draws are one after the other among those that are left (Efraimidis and Spirakis 2006).
class WeightedRandomSampler {
 public:
  /// ConfigError unless the weights are numbers >= 0 with a sum above 0, num_samples is at least 1, and without
  /// replacement no more than the weights above 0.
  WeightedRandomSampler(std::vector<double> weights, int64_t num_samples, uint64_t seed, bool replacement = true);
  std::vector<int64_t> operator()(uint64_t epoch) const;

 private:
  std::vector<double> weights_, sums_;
  int64_t num_samples_;
  uint64_t seed_;
  bool replacement_;
};

/// Batches of successive indices of a sampler. The last, smaller one is left out if drop_last.
class BatchSampler {
 public:
  /// ConfigError unless batch_size >= 1.
  BatchSampler(SampleOrder sampler, int64_t batch_size, bool drop_last);
  std::vector<std::vector<int64_t>> operator()(uint64_t epoch) const;

 private:
  SampleOrder sampler_;
  int64_t batch_size_;
  bool drop_last_;
};

}  // namespace ditharos::data
