#include <ditharos/data/datasets/data_source.h>

namespace ditharos::data {

const std::vector<std::string>& DataSource::class_names() const {
  static const std::vector<std::string> none;
  return none;
}

int64_t DataSource::label(int64_t i) const {
  const char* reason = num_classes() == 0 ? "its source has no classes" : "its source does not override label()";
  fail<Error>("[DataSource] sample ", i, " has no label: ", reason);
}

std::string DataSource::caption(int64_t i) const {
  check<Error>(i >= 0 && i < size(), "[DataSource] sample ", i, " of ", size());
  return num_classes() > 0 ? class_names()[static_cast<size_t>(label(i))] : "";
}

const uint8_t* DataSource::stored_sample(int64_t, const SampleShape&) const { return nullptr; }

}  // namespace ditharos::data
