#pragma once
// The names and shapes of a state dict, and questions to them.
#include <cstdint>
#include <map>
#include <string>

#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// Shapes by name.
class NamedShapes {
 public:
  NamedShapes() = default;
  explicit NamedShapes(std::map<std::string, Shape> shapes) : shapes_(std::move(shapes)) {}
  explicit NamedShapes(const std::map<std::string, Tensor>& tensors);

  bool has(const std::string& name) const { return shapes_.contains(name); }
  /// ConfigError "there is no tensor NAME, which WHAT has".
  const Shape& at(const std::string& name, const std::string& what) const;
  /// The size of an axis. ConfigError also unless the tensor has `rank` axes.
  int64_t size(const std::string& name, int rank, int axis, const std::string& what) const;
  /// 1 + the largest i of names that begin with `prefix`i. ("blocks.", "blocks.3.attn" gives 4); 0 without one. At most
  /// the number of tensors: ConfigError for a larger one.
  int64_t count(const std::string& prefix) const;
  /// Elements of all tensors.
  int64_t elements() const;

  const std::map<std::string, Shape>& all() const { return shapes_; }

 private:
  std::map<std::string, Shape> shapes_;
};

}  // namespace ditharos::models
