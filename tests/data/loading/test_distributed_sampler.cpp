// The share of each process in an epoch, against PyTorch's and as a partition of the data set.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include <ditharos/data/loading/data_loader.h>
#include <ditharos/data/loading/distributed_sampler.h>
#include "tests/support/message_of.h"

namespace ditharos::test_distributed_sampler {

using data::DistributedSampler;
using tests::message_of;
using Indices = std::vector<int64_t>;

TEST_CASE("distributed sampler: shares without shuffling are PyTorch's") {
  // PyTorch 2.13, list(DistributedSampler(range(size), 3, rank, shuffle=False, drop_last=drop_last)).
  const auto share = [](int64_t size, int64_t rank, bool drop_last) {
    return DistributedSampler(size, 3, rank, {.shuffle = false, .drop_last = drop_last})(5);
  };
  CHECK(share(8, 0, false) == Indices{0, 3, 6});
  CHECK(share(8, 1, false) == Indices{1, 4, 7});
  CHECK(share(8, 2, false) == Indices{2, 5, 0});
  CHECK(share(8, 0, true) == Indices{0, 3});
  CHECK(share(8, 2, true) == Indices{2, 5});
  CHECK(share(6, 1, true) == Indices{1, 4});
  CHECK(share(1, 2, false) == Indices{0});
  CHECK(DistributedSampler(8, 3, 0, {.drop_last = true}).num_samples() == 2);
}

TEST_CASE("distributed sampler: all shares of an epoch are the order of RandomSampler with the seed") {
  for (const uint64_t epoch : {0, 1, 7}) {
    const Indices order = data::RandomSampler(11, 3)(epoch);
    Indices joined(12);
    for (int64_t rank = 0; rank < 4; ++rank) {
      const Indices own = DistributedSampler(11, 4, rank, {.seed = 3})(epoch);
      REQUIRE(own.size() == 3);
      for (size_t k = 0; k < own.size(); ++k) joined[4 * k + static_cast<size_t>(rank)] = own[k];
    }
    CHECK(joined.back() == order[0]);
    joined.pop_back();
    CHECK(joined == order);
  }
  CHECK(DistributedSampler(11, 4, 1, {.seed = 3})(0) != DistributedSampler(11, 4, 1, {.seed = 3})(1));
}

TEST_CASE("distributed sampler: in a loader, and its errors") {
  Indices numbers(7);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int64_t>(i);
  data::DataLoader loader(numbers, {.batch_size = 2, .sampler = DistributedSampler(7, 2, 1, {.shuffle = false})});
  CHECK(loader.batches_per_epoch() == 2);
  CHECK(loader.next().to_vector<int64_t>() == Indices{1, 3});
  CHECK(loader.next().to_vector<int64_t>() == Indices{5, 0});
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  CHECK(DistributedSampler(5, most, most - 1, {.shuffle = false})(0) == Indices{(most - 1) % 5});
  CHECK(message_of<ConfigError>([] { DistributedSampler(5, 2, 2); }) ==
        "[DistributedSampler] the rank must be in [0, num_replicas), got rank 2 of 2");
  CHECK(message_of<ConfigError>([] { DistributedSampler(2, 3, 0, {.drop_last = true}); }) ==
        "[DistributedSampler] 2 samples are too few for 3 processes with drop_last");
  CHECK(message_of<ConfigError>([] { DistributedSampler(0, 3, 0); }) ==
        "[DistributedSampler] needs samples, got a size of 0");
}

}  // namespace ditharos::test_distributed_sampler
