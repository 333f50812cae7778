#pragma once
#include <cstdint>
#include <vector>

namespace ditharos::data {

/// The share of one process of several in each epoch, as torch.utils.data.DistributedSampler: indices rank, rank +
/// num_replicas, ... of the epoch's order, so that all processes together read the data set once and each reads equally
/// many samples. The order is that of RandomSampler with this seed, or 0, 1, ... without `shuffle`. A sampler is a
/// function of the epoch, so there is no set_epoch(): every process passes the number of the epoch, as DataLoader does.
class DistributedSampler {
 public:
  struct Options {
    bool shuffle = true;
    uint64_t seed = 0;  ///< the same in all processes
    /// Leaves out samples at the end that would make the shares unequal; by default the first samples of the order are
    /// read twice to fill them.
    bool drop_last = false;
  };
  /// For process `rank` of `num_replicas` and a data set of `size` samples. ConfigError unless size > 0 and 0 <= rank <
  /// num_replicas, and with drop_last for fewer samples than processes.
  DistributedSampler(int64_t size, int64_t num_replicas, int64_t rank, const Options& options);
  DistributedSampler(int64_t size, int64_t num_replicas, int64_t rank)
      : DistributedSampler(size, num_replicas, rank, Options{}) {}

  std::vector<int64_t> operator()(uint64_t epoch) const;
  /// Samples of an epoch for this process.
  int64_t num_samples() const { return num_samples_; }

 private:
  int64_t size_, num_replicas_, rank_, num_samples_;
  Options options_;
};

}  // namespace ditharos::data
