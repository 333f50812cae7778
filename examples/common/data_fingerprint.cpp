#include "examples/common/data_fingerprint.h"

#include <vector>

#include <ditharos/tensor/io/crc32c.h>
#include "examples/common/text.h"

namespace ditharos::examples {
namespace {

std::string line(const std::string& key, const std::string& value) { return key + " = " + value + "\n"; }

}  // namespace

std::string fingerprint_of(const data::Dataset& dataset) {
  std::vector<int64_t> counts(size_t(dataset.num_classes()), 0);
  const int64_t* labels = dataset.labels().data<int64_t>();
  for (int64_t i = 0; i < dataset.size(); ++i) ++counts[size_t(labels[i])];
  std::string text = line("images", std::to_string(dataset.size())) +
                     line("image size", std::to_string(dataset.height()) + "x" + std::to_string(dataset.width()) +
                                            "x" + std::to_string(dataset.channels()));
  for (size_t c = 0; c < counts.size(); ++c)
    text += line("class " + std::to_string(c),
                 quote(dataset.class_names()[c]) + " (" + std::to_string(counts[c]) + " images)");
  uint32_t crc = crc32c(dataset.images().data<uint8_t>(), size_t(dataset.images().numel()));
  crc = crc32c(labels, size_t(dataset.size()) * sizeof(int64_t), crc);
  return text + line("checksum of the images", std::to_string(crc));
}

std::string fingerprint_of(const data::DataSource& source) {
  return line("clips", std::to_string(source.size())) +
         line("checksum of clips and captions", std::to_string(source.checksum()));
}

}  // namespace ditharos::examples
