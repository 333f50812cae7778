#include <ditharos/data/datasets/contact_grid.h>

#include <algorithm>
#include <vector>

#include <ditharos/data/image/image_grid.h>
#include <ditharos/data/loading/batch.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::data {
namespace {

struct Rows {
  std::vector<std::vector<int64_t>> samples;
  std::vector<std::string> labels;
  int64_t columns = 0;
};

/// At most `count` of the numbers below n, evenly spaced.
std::vector<int64_t> evenly(int64_t n, int64_t count) {
  std::vector<int64_t> chosen;
  for (int64_t k = 0; k < std::min(n, count); ++k) chosen.push_back(k * n / std::min(n, count));
  return chosen;
}

Rows rows_of_classes(const DataSource& source) {
  constexpr int64_t columns = 8, most = 12;
  Rows rows{{}, {}, columns};
  std::vector<std::vector<int64_t>> of_class(static_cast<size_t>(std::min(most, source.num_classes())));
  for (int64_t i = 0; i < source.size(); ++i) {
    const auto label = static_cast<size_t>(source.label(i));
    if (label < of_class.size()) of_class[label].push_back(i);
  }
  for (size_t label = 0; label < of_class.size(); ++label) {
    rows.samples.emplace_back();
    for (const int64_t k : evenly(static_cast<int64_t>(of_class[label].size()), columns))
      rows.samples.back().push_back(of_class[label][static_cast<size_t>(k)]);
    rows.labels.push_back(source.class_names()[label]);
  }
  return rows;
}

Rows rows_of(const DataSource& source) {
  if (source.num_classes() > 0) return rows_of_classes(source);
  const std::vector<int64_t> some = evenly(source.size(), 16);
  const bool captioned = std::any_of(some.begin(), some.end(), [&](int64_t i) { return !source.caption(i).empty(); });
  Rows rows{{}, {}, captioned ? 1 : 8};
  for (const int64_t i : captioned ? some : evenly(source.size(), 64)) {
    if (rows.samples.empty() || static_cast<int64_t>(rows.samples.back().size()) == rows.columns)
      rows.samples.emplace_back();
    rows.samples.back().push_back(i);
    if (captioned) rows.labels.push_back(source.caption(i));
  }
  return rows;
}

}  // namespace

void save_contact_grid(const std::string& path, const DataSource& source) {
  constexpr int64_t side = 64;
  const SampleShape shape = source.native_shape().value_or(SampleShape{1, side, side});
  const Rows rows = rows_of(source);
  const auto count = static_cast<int64_t>(rows.samples.size());
  const Tensor images = full({count * rows.columns, source.channels(), shape.height, shape.width}, 1.0);  // white
  for (int64_t row = 0; row < count; ++row) {
    const std::vector<int64_t>& samples = rows.samples[static_cast<size_t>(row)];
    if (samples.empty()) continue;
    const int64_t first = row * rows.columns;
    kernels::copy_into(images.slice(0, first, first + static_cast<int64_t>(samples.size())),
                       read_batch(source, shape, samples).samples.select(1, 0));
  }
  const int64_t scale = std::max<int64_t>(1, side / std::max(shape.height, shape.width));
  save_grid(path, images, {.columns = rows.columns, .scale = scale, .row_labels = rows.labels});
}

}  // namespace ditharos::data
