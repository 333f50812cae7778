#pragma once
// The models of tests/golden/zoo, made by make_zoo_golden.py: a folder each, with weights, inputs and what the
// reference computes.
#include <map>
#include <string>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::tests {

struct ZooGolden {
  std::string name;                     ///< of the folder
  std::string weights, inputs, config;  ///< paths
};
/// All of them, by name.
std::vector<ZooGolden> zoo_goldens();
ZooGolden zoo_golden(const std::string& name);

/// Largest |got - want| as a share of the largest |want|, or of `floor` if that is larger. Infinite when shapes differ.
double share_of_largest(const Tensor& got, const Tensor& want, double floor = 0);
/// The outputs and gradients in `want` that `got` lacks, has besides, or has with another value: up to 1e-5 of the
/// largest of an output, and 1e-4 of that of a gradient. Gradients that are zero but for rounding (the biases of keys)
/// are compared with a thousandth of the largest of all gradients. One line each; "" if there are none.
std::string differences(const std::map<std::string, Tensor>& got, const std::map<std::string, Tensor>& want);

}  // namespace ditharos::tests
