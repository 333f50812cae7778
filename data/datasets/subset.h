#pragma once
// Parts of data sets and joined ones, as torch.utils.data.Subset, random_split and ConcatDataset.
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include <ditharos/data/datasets/map_dataset.h>

namespace ditharos::data {

/// The samples of a data set with these indices, in that order. Copies share the data set.
template <MapDataset D>
class Subset {
 public:
  /// Error for an index out of range.
  Subset(D dataset, std::vector<int64_t> indices)
      : Subset(std::make_shared<const D>(std::move(dataset)), std::move(indices)) {}
  Subset(std::shared_ptr<const D> dataset, std::vector<int64_t> indices)
      : dataset_(std::move(dataset)), indices_(std::move(indices)) {
    const auto size = static_cast<int64_t>(dataset_->size());
    for (const int64_t i : indices_) check_index("Subset", i, size);
  }

  int64_t size() const { return static_cast<int64_t>(indices_.size()); }
  SampleOf<D> operator[](int64_t i) const
    requires(!AugmentedDataset<D>)
  {
    check_index("Subset", i, size());
    return (*dataset_)[static_cast<decltype(dataset_->size())>(indices_[static_cast<size_t>(i)])];
  }
  SampleOf<D> get(int64_t i, Generator& rng) const
    requires AugmentedDataset<D>
  {
    check_index("Subset", i, size());
    return dataset_->get(indices_[static_cast<size_t>(i)], rng);
  }
  const std::vector<int64_t>& indices() const { return indices_; }

 private:
  std::shared_ptr<const D> dataset_;
  std::vector<int64_t> indices_;
};

/// A random order of 0 .. size - 1 in parts of these lengths. ConfigError unless the lengths are at least 0 and add up
/// to `size`.
[[nodiscard]] std::vector<std::vector<int64_t>> split_indices(int64_t size, const std::vector<int64_t>& lengths,
                                                              uint64_t seed);
/// The lengths of parts that are these fractions of `size`, rounded down; the samples that are left go to the parts in
/// turn, from the first, as in PyTorch. ConfigError unless the fractions are in [0, 1] and add up to 1.
[[nodiscard]] std::vector<int64_t> lengths_of(int64_t size, const std::vector<double>& fractions);

/// Parts without common samples, drawn at random: their lengths, which add up to the number of samples, or fractions,
/// which add up to 1.
///
///   const auto parts = data::random_split(dataset, {.9, .1}, /*seed=*/1);
template <MapDataset D, class Number>
  requires std::integral<Number> || std::floating_point<Number>
[[nodiscard]] std::vector<Subset<D>> random_split(D dataset, const std::vector<Number>& lengths, uint64_t seed) {
  const auto shared = std::make_shared<const D>(std::move(dataset));
  const auto size = static_cast<int64_t>(shared->size());
  std::vector<int64_t> counts;
  if constexpr (std::integral<Number>) counts.assign(lengths.begin(), lengths.end());
  else counts = lengths_of(size, std::vector<double>(lengths.begin(), lengths.end()));
  std::vector<Subset<D>> parts;
  for (std::vector<int64_t>& indices : split_indices(size, counts, seed))
    parts.emplace_back(shared, std::move(indices));
  return parts;
}
template <MapDataset D, class Number>
[[nodiscard]] std::vector<Subset<D>> random_split(D dataset, std::initializer_list<Number> lengths, uint64_t seed) {
  return random_split(std::move(dataset), std::vector<Number>(lengths), seed);
}

/// The samples of several data sets of one type, one set behind the other. Sets of different types are joined as
/// AnyDataset.
template <MapDataset D>
class ConcatDataset {
 public:
  /// Error without a data set.
  explicit ConcatDataset(std::vector<D> datasets) : datasets_(std::move(datasets)) {
    check(!datasets_.empty(), "[ConcatDataset] needs at least one data set");
    for (const D& dataset : datasets_) size_ += static_cast<int64_t>(dataset.size());
  }
  ConcatDataset(std::initializer_list<D> datasets) : ConcatDataset(std::vector<D>(datasets)) {}

  int64_t size() const { return size_; }
  SampleOf<D> operator[](int64_t i) const
    requires(!AugmentedDataset<D>)
  {
    const D& dataset = find(i);
    return dataset[static_cast<decltype(dataset.size())>(i)];
  }
  SampleOf<D> get(int64_t i, Generator& rng) const
    requires AugmentedDataset<D>
  {
    const D& dataset = find(i);
    return dataset.get(i, rng);
  }

 private:
  /// The set that sample i lies in; makes i its index there.
  const D& find(int64_t& i) const {
    check_index("ConcatDataset", i, size_);
    size_t set = 0;
    for (; i >= static_cast<int64_t>(datasets_[set].size()); ++set) i -= static_cast<int64_t>(datasets_[set].size());
    return datasets_[set];
  }

  std::vector<D> datasets_;
  int64_t size_ = 0;
};

}  // namespace ditharos::data
