#include <ditharos/training/held_out.h>

#include <algorithm>

#include <ditharos/tensor/error.h>

namespace ditharos::training {

std::vector<data::Batch> held_out_batches(const data::DataSource& source, const data::SampleShape& shape, int64_t count,
                                          int64_t batch_size) {
  check<ConfigError>(source.size() > 0, "there are no held-out samples for a validation");
  count = std::min(count, source.size());
  std::vector<data::Batch> batches;
  for (int64_t first = 0; first < count; first += batch_size) {
    std::vector<int64_t> indices;
    for (int64_t k = first; k < std::min(count, first + batch_size); ++k)
      indices.push_back(static_cast<int64_t>(double(k) * double(source.size()) / double(count)));
    batches.push_back(data::read_batch(source, shape, std::move(indices)));
  }
  return batches;
}

}  // namespace ditharos::training
