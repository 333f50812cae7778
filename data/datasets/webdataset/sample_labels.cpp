#include <ditharos/data/datasets/webdataset/sample_labels.h>

#include <algorithm>
#include <charconv>
#include <map>

#include <ditharos/data/datasets/names.h>
#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos::data {
namespace {

constexpr int64_t most_classes = 65536;

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// most_classes for a number that is too large.
int64_t number_of(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::min(value, most_classes) : most_classes;
}

}  // namespace

SampleLabels number_labels(std::vector<ShardSample>& samples, const std::vector<std::string>& paths,
                           const std::vector<std::string>& given) {
  int64_t numbers = 0, names = 0;
  for (const ShardSample& sample : samples) {
    if (!sample.fault.empty() || !sample.label) continue;
    ++(is_number(*sample.label) ? numbers : names);
  }
  SampleLabels result;
  if (numbers + names == 0) return result;
  const bool numbered = numbers >= names;

  std::map<std::string, int64_t> classes;
  for (size_t i = 0; i < given.size(); ++i) classes.emplace(given[i], static_cast<int64_t>(i));
  if (!numbered && given.empty()) {
    for (const ShardSample& sample : samples)
      if (sample.fault.empty() && sample.label && !is_number(*sample.label)) classes.emplace(*sample.label, 0);
    int64_t next = 0;
    for (auto& [name, label] : classes) label = next++;
  }

  int64_t largest = -1;
  for (ShardSample& sample : samples) {
    result.labels.push_back(-1);
    if (!sample.fault.empty() || !sample.label) continue;
    const std::string begin = "cannot read " + paths[sample.shard] + ": the sample " + quote(sample.key) +
                              " has the label " + quote(*sample.label);
    int64_t label = -1;
    if (is_number(*sample.label) != numbered) {
      sample.fault = begin + (numbered ? ", but other labels are numbers" : ", but other labels are names");
    } else if (numbered) {
      label = number_of(*sample.label);
      const int64_t most = given.empty() ? most_classes : static_cast<int64_t>(given.size());
      if (label >= most)
        sample.fault = begin + (given.empty() ? "; labels are numbers from 0 to " + std::to_string(most - 1)
                                              : ", but classes.txt has names for " + std::to_string(most) + " classes");
    } else if (const auto found = classes.find(*sample.label); found != classes.end()) {
      label = found->second;
    } else {
      sample.fault = begin + ", which classes.txt does not name";
    }
    if (!sample.fault.empty()) continue;
    result.labels.back() = label;
    largest = std::max(largest, label);
  }
  result.class_names = given;
  if (given.empty() && numbered) result.class_names = numbered_class_names(largest + 1);
  if (given.empty() && !numbered)
    for (const auto& [name, label] : classes) result.class_names.push_back(name);
  return result;
}

}  // namespace ditharos::data
