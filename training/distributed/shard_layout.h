#pragma once
// How the samples of a step are divided among gradient shards, and the shards among ranks.
#include <cstdint>

#include <ditharos/tensor/draws/batch_rows.h>

namespace ditharos::training {

/// A step's batch is cut into `shards` parts of equal size, up to one sample. Each rank has a run of them.
class ShardLayout {
 public:
  /// ConfigError unless both numbers are powers of two and every rank has a shard: gradients are added along a binary
  /// tree, of which a rank has a whole branch.
  ShardLayout(int64_t shards, int rank, int ranks);

  int64_t shards() const { return shards_; }
  int64_t first_shard() const { return first_; }  ///< of this rank
  int64_t own_shards() const { return own_; }
  /// The samples of one shard in a batch of `samples`. ConfigError when there are fewer samples than shards.
  [[nodiscard]] RowRange rows(int64_t shard, int64_t samples) const;
  /// The samples of all shards of this rank.
  [[nodiscard]] RowRange own_rows(int64_t samples) const;

 private:
  int64_t shards_, first_, own_;
};

}  // namespace ditharos::training
