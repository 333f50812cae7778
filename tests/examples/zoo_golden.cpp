#include "tests/examples/zoo_golden.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "tests/support/paths.h"

namespace ditharos::tests {
namespace {

namespace fs = std::filesystem;

double largest(const Tensor& x) {
  double largest = 0;
  for (const double value : x.to_vector<double>()) largest = std::max(largest, std::fabs(value));
  return largest;
}

bool is_output(const std::string& name) {
  return name == "out" || name == "mean" || name == "logvar" || name == "decoded";
}

bool is_gradient(const std::string& name) { return name.starts_with("grad."); }

}  // namespace

ZooGolden zoo_golden(const std::string& name) {
  const fs::path folder = fs::path(golden_folder()) / "zoo" / name;
  const fs::path weights = folder / "weights.safetensors", torch = folder / "weights.pt";
  return {name, fs::exists(weights) ? weights : torch, folder / "io.safetensors", folder / "config.json"};
}

std::vector<ZooGolden> zoo_goldens() {
  std::vector<std::string> names;
  for (const auto& folder : fs::directory_iterator(fs::path(golden_folder()) / "zoo"))
    names.push_back(folder.path().filename());
  std::sort(names.begin(), names.end());
  std::vector<ZooGolden> goldens;
  for (const std::string& name : names) goldens.push_back(zoo_golden(name));
  return goldens;
}

double share_of_largest(const Tensor& got, const Tensor& want, double floor) {
  if (got.shape() != want.shape()) return std::numeric_limits<double>::infinity();
  const std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
  double difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i])) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, std::fabs(a[i] - b[i]));
  }
  return difference == 0 ? 0 : difference / std::max(largest(want), floor);
}

std::string differences(const std::map<std::string, Tensor>& got, const std::map<std::string, Tensor>& want) {
  double largest_gradient = 0;
  for (const auto& [name, tensor] : want) {
    if (is_gradient(name)) largest_gradient = std::max(largest_gradient, largest(tensor));
  }
  std::string text;
  for (const auto& [name, tensor] : want) {
    if (!is_output(name) && !is_gradient(name)) continue;
    const auto found = got.find(name);
    if (found == got.end()) {
      text += name + " is missing\n";
      continue;
    }
    const double share = share_of_largest(found->second, tensor, is_gradient(name) ? 1e-3 * largest_gradient : 0);
    if (!(share <= (is_gradient(name) ? 1e-4 : 1e-5))) text += name + " differs by " + std::to_string(share) + "\n";
  }
  for (const auto& [name, tensor] : got) {
    if (!want.contains(name)) text += name + " is not in the reference\n";
  }
  return text;
}

}  // namespace ditharos::tests
