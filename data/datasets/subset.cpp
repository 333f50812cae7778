#include <ditharos/data/datasets/subset.h>

#include <cmath>
#include <numeric>

namespace ditharos::data {

std::vector<std::vector<int64_t>> split_indices(int64_t size, const std::vector<int64_t>& lengths, uint64_t seed) {
  int64_t total = 0;
  for (const int64_t length : lengths) {
    check<ConfigError>(length >= 0 && length <= size, "[random_split] a part of ", size, " samples cannot have ",
                       length);
    total += length;
  }
  check<ConfigError>(total == size, "[random_split] the lengths add up to ", total, ", but there are ", size,
                     " samples");
  const Tensor order = Generator(seed).permutation(size);
  const int64_t* at = order.data<int64_t>();
  std::vector<std::vector<int64_t>> parts;
  for (const int64_t length : lengths) {
    parts.emplace_back(at, at + length);
    at += length;
  }
  return parts;
}

std::vector<int64_t> lengths_of(int64_t size, const std::vector<double>& fractions) {
  double sum = 0;
  for (const double fraction : fractions) {
    check<ConfigError>(fraction >= 0 && fraction <= 1, "[random_split] a fraction must be in [0, 1], got ", fraction);
    sum += fraction;
  }
  check<ConfigError>(std::abs(sum - 1) <= 1e-9, "[random_split] the fractions add up to ", sum, " instead of 1");
  std::vector<int64_t> lengths;
  for (const double fraction : fractions) lengths.push_back(static_cast<int64_t>(double(size) * fraction));
  const int64_t left = size - std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  for (int64_t i = 0; i < left; ++i) ++lengths[static_cast<size_t>(i) % lengths.size()];
  return lengths;
}

}  // namespace ditharos::data
