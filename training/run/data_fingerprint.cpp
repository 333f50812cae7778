#include <ditharos/training/run/data_fingerprint.h>

#include <optional>
#include <vector>

#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos::training {
namespace {

std::string line(const std::string& key, const std::string& value) { return key + " = " + value + "\n"; }

}  // namespace

std::string fingerprint_of(const data::DataSource& source) {
  const std::string size = std::to_string(source.size()), checksum = std::to_string(source.checksum());
  const std::optional<data::SampleShape> shape = source.native_shape();
  const bool images = shape && shape->frames == 1;
  std::string text = images ? line("images", size) + line("image size", std::to_string(shape->height) + "x" +
                                                                            std::to_string(shape->width) + "x" +
                                                                            std::to_string(source.channels()))
                            : line("clips", size);
  std::vector<int64_t> counts(size_t(source.num_classes()), 0);
  if (!counts.empty())
    for (int64_t i = 0; i < source.size(); ++i) ++counts[size_t(source.label(i))];
  for (size_t c = 0; c < counts.size(); ++c)
    text += line("class " + std::to_string(c),
                 quote(source.class_names()[c]) + " (" + std::to_string(counts[c]) + (images ? " images)" : " clips)"));
  return text + line(images ? "checksum of the images" : "checksum of clips and captions", checksum);
}

}  // namespace ditharos::training
