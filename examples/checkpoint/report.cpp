#include "examples/checkpoint/report.h"

#include <map>
#include <sstream>

#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/tensor/io/text_table.h>

namespace ditharos::examples {
namespace {

using Rows = std::vector<std::vector<std::string>>;

/// The lines of a text, moved to the right.
std::string indented(const std::string& text) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) result += line.empty() ? "\n" : "  " + line + "\n";
  return result;
}

/// "model: 12 tensors, 1234 bytes" for each list.
std::string totals(const training::CheckpointContents& contents) {
  std::vector<std::string> order;
  std::map<std::string, std::pair<int64_t, uint64_t>> sums;
  for (const training::StoredTensor& t : contents.tensors) {
    if (!sums.contains(t.part)) order.push_back(t.part);
    ++sums[t.part].first;
    sums[t.part].second += t.bytes;
  }
  std::string text;
  for (const std::string& part : order)
    text += part + ": " + std::to_string(sums[part].first) + (sums[part].first == 1 ? " tensor, " : " tensors, ") +
            std::to_string(sums[part].second) + " bytes\n";
  return text;
}

std::vector<std::string> row_of(const training::TensorComparison& t) {
  std::vector<std::string> row{t.part, t.name};
  if (!t.mismatch.empty() || t.equal()) {
    row.push_back(t.equal() ? "equal" : t.mismatch);
    return row;
  }
  row.insert(row.end(), {std::to_string(t.different) + " of " + std::to_string(t.elements),
                         scientific_text(t.max_absolute, 3), scientific_text(t.max_relative, 3)});
  return row;
}

}  // namespace

std::string describe_contents(const std::string& path, const training::CheckpointContents& contents) {
  const training::TrainState& state = contents.state;
  Rows facts{{"format", std::to_string(contents.format)},
             {"size", std::to_string(contents.file_bytes) + " bytes"},
             {"kind", state.kind},
             {"step", std::to_string(state.step)},
             {"data", "epoch " + std::to_string(state.epoch) + ", position " + std::to_string(state.position)},
             {"average", std::to_string(state.ema_updates) + " updates"}};
  for (const training::RandomStream& stream : state.random)
    facts.push_back({"random", stream.name + ": seed " + std::to_string(stream.seed) + ", offset " +
                                   std::to_string(stream.offset)});
  std::string text = path + "\n" + indented(text_table(facts, {}));
  for (const auto& [name, value] : state.metadata) text += "\nmetadata " + quote(name) + "\n" + indented(value);
  text += "\nconfiguration\n" + indented(state.configuration);
  Rows rows{{"list", "tensor", "shape", "dtype", "bytes"}, {}};
  for (const training::StoredTensor& t : contents.tensors)
    rows.push_back({t.part, t.name, to_text(t.shape), to_text(t.dtype), std::to_string(t.bytes)});
  return text + "\n" + text_table(rows, {false, false, false, false, true}) + "\n" + totals(contents);
}

std::string describe_comparison(const training::CheckpointComparison& comparison, bool all) {
  std::string text;
  if (!comparison.settings.empty()) {
    Rows rows{{"setting", "first", "second"}, {}};
    const auto shown = [](const std::string& value) { return value.empty() ? std::string("-") : quote(value); };
    for (const training::SettingDifference& s : comparison.settings)
      rows.push_back({s.name, shown(s.first), shown(s.second)});
    text += "\n" + text_table(rows, {}) + "\n";
  }
  Rows rows{{"list", "tensor", "elements that differ", "largest |a - b|", "relative to the larger"}, {}};
  int64_t different = 0;
  for (const training::TensorComparison& t : comparison.tensors) {
    different += !t.equal();
    if (all || !t.equal()) rows.push_back(row_of(t));
  }
  if (rows.size() > 2) text += text_table(rows, {false, false, true, true, true}) + "\n";
  return text + std::to_string(comparison.settings.size()) + " settings and " + std::to_string(different) + " of " +
         std::to_string(comparison.tensors.size()) + " tensors differ\n";
}

}  // namespace ditharos::examples
