#include <ditharos/data/datasets/sources_by_shape.h>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/crc32c.h>

namespace ditharos::data {

SourcesByShape::SourcesByShape(std::vector<std::shared_ptr<const DataSource>> sources) : sources_(std::move(sources)) {
  check<ConfigError>(!sources_.empty(), "[SourcesByShape] there is no source");
  for (size_t k = 0; k < sources_.size(); ++k) {
    const DataSource& source = *sources_[k];
    const std::optional<SampleShape> shape = source.native_shape();
    check<ConfigError>(shape.has_value(), "[SourcesByShape] source ", k, " has no native shape");
    for (size_t other = 0; other < k; ++other)
      check<ConfigError>(sources_[other]->native_shape() != shape, "[SourcesByShape] sources ", other, " and ", k,
                         " both have samples of ", *shape);
    check<ConfigError>(source.size() == size(), "[SourcesByShape] source 0 has ", size(), " samples, and source ", k,
                       " has ", source.size());
    check<ConfigError>(source.dtype() == dtype() && source.channels() == channels(),
                       "[SourcesByShape] samples of source 0 are ", dtype(), " of ", channels(),
                       " channels, and those of source ", k, " are ", source.dtype(), " of ", source.channels());
    check<ConfigError>(source.class_names() == class_names(), "[SourcesByShape] source ", k,
                       " has other class names than source 0");
  }
}

uint32_t SourcesByShape::checksum() const {
  uint32_t crc = 0;
  for (const auto& source : sources_) {
    const uint32_t own = source->checksum();
    crc = crc32c(&own, sizeof own, crc);
  }
  return crc;
}

std::optional<SampleShape> SourcesByShape::native_shape() const {
  return sources_.size() == 1 ? first().native_shape() : std::nullopt;
}

const DataSource& SourcesByShape::source_of(const SampleShape& shape) const {
  std::string shapes;
  for (const auto& source : sources_) {
    if (source->native_shape() == shape) return *source;
    shapes += (shapes.empty() ? "" : ", ") + to_text(*source->native_shape());
  }
  fail<ShapeError>("[SourcesByShape] the samples are ", shapes, " and cannot be read as ", shape);
}

}  // namespace ditharos::data
