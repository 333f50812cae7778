#pragma once
// Data sets that are read in order, without a size or an index, as torch.utils.data.IterableDataset: what a
// StreamLoader (loading/stream_loader.h) reads.
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include <ditharos/tensor/random.h>

namespace ditharos::data {

/// Which of its parts a stream has to open, as get_worker_info() says in PyTorch. All parts together are the data set.
struct StreamPart {
  int64_t index = 0, count = 1;  ///< part `index` of `count`
  uint64_t epoch = 0;            ///< counted from 0
  Generator rng;                 ///< for random samples; it depends on the loader's seed, the epoch and the part
};

/// open() starts an epoch of a part and returns a reader, whose next() returns a sample, or nothing at the end. open()
/// may be called by several threads at a time, a reader is used by one.
///
///   struct Counter {
///     struct Reader {
///       int64_t at, step, end;
///       std::optional<int64_t> next() {
///         if (at >= end) return {};
///         return std::exchange(at, at + step);
///       }
///     };
///     Reader open(const data::StreamPart& part) const { return {part.index, part.count, 100}; }
///   };
///
/// A reader may also have `int64_t skip(int64_t count)`, which passes over samples faster than next() and returns how
/// many there were: a loader that resumes calls it.
template <class D>
concept StreamDataset = requires(const D& d, const StreamPart& part) {
  d.open(part);
  *d.open(part).next();
  static_cast<bool>(d.open(part).next());
};

template <StreamDataset D>
using StreamReaderOf = std::remove_cvref_t<decltype(std::declval<const D&>().open(std::declval<const StreamPart&>()))>;
template <StreamDataset D>
using StreamSampleOf = std::remove_cvref_t<decltype(*std::declval<StreamReaderOf<D>&>().next())>;

}  // namespace ditharos::data
