#include <ditharos/models/zoo/named_shapes.h>

#include <algorithm>
#include <charconv>

#include <ditharos/tensor/checked.h>

namespace ditharos::models {

NamedShapes::NamedShapes(const std::map<std::string, Tensor>& tensors) {
  for (const auto& [name, tensor] : tensors) shapes_[name] = tensor.shape();
}

const Shape& NamedShapes::at(const std::string& name, const std::string& what) const {
  const auto found = shapes_.find(name);
  check<ConfigError>(found != shapes_.end(), "there is no tensor ", name, ", which ", what, " has");
  return found->second;
}

int64_t NamedShapes::size(const std::string& name, int rank, int axis, const std::string& what) const {
  const Shape& shape = at(name, what);
  check<ConfigError>(shape.rank() == rank, name, " has shape ", shape, ", and in ", what, " it has ", rank, " axes");
  return shape[axis];
}

int64_t NamedShapes::count(const std::string& prefix) const {
  int64_t count = 0;
  for (auto it = shapes_.lower_bound(prefix); it != shapes_.end() && it->first.starts_with(prefix); ++it) {
    const std::string& name = it->first;
    int64_t index = 0;
    const char *begin = name.data() + prefix.size(), *end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(begin, end, index);
    if (error != std::errc() || stop == end || *stop != '.') continue;
    check<ConfigError>(index >= 0 && index < int64_t(shapes_.size()), name, " has a larger number than there are ",
                       "tensors (", shapes_.size(), ")");
    count = std::max(count, index + 1);
  }
  return count;
}

int64_t NamedShapes::elements() const {
  int64_t sum = 0;
  for (const auto& [name, shape] : shapes_) sum = checked_sum("NamedShapes", {sum, numel(shape)});
  return sum;
}

}  // namespace ditharos::models
