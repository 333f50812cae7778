#include "tests/support/golden.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/safetensors.h>
#include "tests/support/paths.h"

namespace ditharos::tests {

Golden::Golden(const std::string& file) : file_(file) {
  if (file.ends_with(".safetensors")) {
    for (const auto& [name, tensor] : safetensors::load(golden_folder() + "/" + file).tensors)
      tensors_.push_back({name, tensor});
    return;
  }
  std::ifstream in(golden_folder() + "/" + file, std::ios::binary);
  std::string line;
  check<IoError>(bool(std::getline(in, line)) && line == "ditharos golden 1", file, " is no golden file");
  while (std::getline(in, line) && line != "end") {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string name, dtype;
    words >> name >> dtype;
    Shape shape;
    for (int64_t size; words >> size;) shape.push_back(size);
    check<IoError>(dtype == "f32" || dtype == "i64", file, ": ", name, " has the unknown dtype ", dtype);
    tensors_.push_back({name, zeros(shape, dtype == "f32" ? DType::f32 : DType::i64)});
  }
  for (const auto& [name, tensor] : tensors_) {
    void* to = tensor.dtype() == DType::f32 ? static_cast<void*>(tensor.mutable_data<float>())
                                            : static_cast<void*>(tensor.mutable_data<int64_t>());
    in.read(static_cast<char*>(to), tensor.numel() * int64_t(size_of(tensor.dtype())));
    check<IoError>(bool(in), file, " ends within ", name);
  }
  check<IoError>(in.peek() == std::ifstream::traits_type::eof(), file, " is longer than its header says");
}

Tensor Golden::at(const std::string& name) const {
  for (const auto& entry : tensors_) {
    if (entry.name == name) return entry.tensor;
  }
  fail("there is no ", name, " in ", file_);
}

nn::NamedTensors Golden::with_prefix(const std::string& prefix) const {
  nn::NamedTensors found;
  for (const auto& [name, tensor] : tensors_) {
    if (name.starts_with(prefix)) found.push_back({name.substr(prefix.size()), tensor});
  }
  check(!found.empty(), "nothing in ", file_, " starts with ", prefix);
  return found;
}

double difference(const Tensor& got, const Tensor& want) {
  if (!got.defined() || !(got.shape() == want.shape())) return std::numeric_limits<double>::infinity();
  const std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
  double largest = 1e-3, worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(b[i]));
    worst = std::max(worst, std::abs(a[i] - b[i]));
  }
  return worst / largest;
}

}  // namespace ditharos::tests
