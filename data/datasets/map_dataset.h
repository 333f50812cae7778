#pragma once
// Map-style data sets of samples of any type, as torch.utils.data.Dataset: what a DataLoader (loading/data_loader.h)
// reads. Images and clips with their files, shapes and captions are a DataSource (data_source.h).
#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/random.h>

namespace ditharos::data {

/// A number of samples, and sample i. Both functions are const and may be called by several threads at a time.
///
///   struct Squares {
///     int64_t size() const { return 100; }
///     std::pair<float, float> operator[](int64_t i) const { return {float(i), float(i * i)}; }
///   };
///
/// A std::vector is such a data set.
template <class D>
concept IndexedDataset = requires(const D& d, int64_t i) {
  { d.size() } -> std::convertible_to<int64_t>;
  d[i];
};
/// A data set whose samples are random, such as augmented ones: all randomness of sample i comes from `rng`.
///
///   std::pair<Tensor, int64_t> get(int64_t i, Generator& rng) const;
template <class D>
concept AugmentedDataset = requires(const D& d, int64_t i, Generator& rng) {
  { d.size() } -> std::convertible_to<int64_t>;
  d.get(i, rng);
};
template <class D>
concept MapDataset = IndexedDataset<D> || AugmentedDataset<D>;

/// Sample i; `rng` is for data sets whose samples are random.
template <MapDataset D>
auto read_sample(const D& dataset, int64_t i, Generator& rng) {
  if constexpr (AugmentedDataset<D>) return dataset.get(i, rng);
  else return dataset[static_cast<decltype(dataset.size())>(i)];
}
template <MapDataset D>
using SampleOf = decltype(read_sample(std::declval<const D&>(), 0, std::declval<Generator&>()));

/// A data set of any type, as a handle: copies share it. For lists of data sets of different types.
template <class Sample>
class AnyDataset {
 public:
  template <MapDataset D>
    requires(!std::same_as<D, AnyDataset> && std::same_as<SampleOf<D>, Sample>)
  AnyDataset(D dataset) : held_(std::make_shared<Held<D>>(std::move(dataset))) {}

  int64_t size() const { return held_->size(); }
  Sample get(int64_t i, Generator& rng) const { return held_->get(i, rng); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual int64_t size() const = 0;
    virtual Sample get(int64_t i, Generator& rng) const = 0;
  };
  template <class D>
  struct Held final : Base {
    explicit Held(D d) : dataset(std::move(d)) {}
    int64_t size() const override { return static_cast<int64_t>(dataset.size()); }
    Sample get(int64_t i, Generator& rng) const override { return read_sample(dataset, i, rng); }
    D dataset;
  };
  std::shared_ptr<const Base> held_;
};
template <MapDataset D>
AnyDataset(D) -> AnyDataset<SampleOf<D>>;

/// Error unless 0 <= i < size.
inline void check_index(const char* what, int64_t i, int64_t size) {
  check(i >= 0 && i < size, "[", what, "] there is no sample ", i, " of ", size);
}

}  // namespace ditharos::data
