#include <ditharos/training/distributed/shard_layout.h>

#include <bit>

#include <ditharos/tensor/error.h>

namespace ditharos::training {
namespace {

bool is_power_of_two(int64_t n) { return n > 0 && std::has_single_bit(uint64_t(n)); }

}  // namespace

ShardLayout::ShardLayout(int64_t shards, int rank, int ranks) : shards_(shards), first_(0), own_(shards) {
  check<ConfigError>(is_power_of_two(shards), "gradient_shards must be a power of two, got ", shards);
  check<ConfigError>(is_power_of_two(ranks), "training takes a power of two of processes, got ", ranks);
  check<ConfigError>(shards >= ranks, "gradient_shards = ", shards, " is less than the ", ranks,
                     " processes, each of which needs a shard");
  own_ = shards / ranks;
  first_ = own_ * rank;
}

RowRange ShardLayout::rows(int64_t shard, int64_t samples) const {
  check<ConfigError>(samples >= shards_, "a batch of ", samples,
                     " samples cannot be cut into gradient_shards = ", shards_, " parts");
  const int64_t first = shard * samples / shards_;
  return {first, (shard + 1) * samples / shards_ - first, samples};
}

RowRange ShardLayout::own_rows(int64_t samples) const {
  const int64_t first = rows(first_, samples).first;
  const RowRange last = rows(first_ + own_ - 1, samples);
  return {first, last.first + last.count - first, samples};
}

}  // namespace ditharos::training
