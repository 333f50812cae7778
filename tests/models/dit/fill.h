#pragma once
// Values that are a function of a name, as tests/golden/make_dit_variants_golden.py computes them.
#include <cmath>
#include <string>
#include <vector>

#include <ditharos/nn/module.h>
#include <ditharos/tensor/factory.h>

namespace ditharos::tests {

/// Uniform values in [-1, 1), rounded to float: splitmix64 of FNV-1a(name) + i.
inline std::vector<double> fill_values(const std::string& name, int64_t count) {
  uint64_t seed = 0xCBF29CE484222325;
  for (const char c : name) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t z = seed + uint64_t(i + 1) * 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    z ^= z >> 31;
    values.push_back(static_cast<float>(std::ldexp(double(z >> 11), -52) - 1.0));
  }
  return values;
}
inline Tensor fill(const std::string& name, const Shape& shape) {
  return to(from_vector(fill_values(name, numel(shape)), shape), DType::f32);
}

/// The module with these values: matrices with a variance of 1 / fan_in, vectors around 0, weights of norms around 1.
template <class M>
M filled(M model) {
  for (const auto& [name, tensor] : nn::named_parameters(model)) {
    const std::vector<double> values = fill_values(name, tensor.numel());
    const bool matrix = tensor.rank() > 1, norm = name.find("norm") != std::string::npos && name.ends_with("weight");
    const int64_t fan_in = matrix ? tensor.numel() / tensor.size(0) : 0;
    const double scale = matrix ? std::sqrt(3.0 / double(fan_in)) : .2;
    float* out = tensor.template mutable_data<float>();
    for (size_t i = 0; i < values.size(); ++i) out[i] = float(values[i] * scale + (!matrix && norm ? 1.0 : 0.0));
  }
  return model;
}

}  // namespace ditharos::tests
