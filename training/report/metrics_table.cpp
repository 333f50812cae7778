#include <ditharos/training/report/metrics_table.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <unordered_map>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/json.h>
#include <ditharos/tensor/io/number_text.h>

namespace ditharos::training {
namespace {

constexpr uint64_t most_bytes = uint64_t(256) << 20;
constexpr size_t most_columns = 1000, most_levels = 4, longest_name = 200;
constexpr double most_exact = 9007199254740992.0;  // 2^53: every whole number up to it is a double

using Columns = std::unordered_map<std::string, size_t>;

/// Puts the figures of one line into a row.
class LineHandler : public JsonHandler {
 public:
  LineHandler(MetricsTable& table, Columns& columns) : table_(table), columns_(columns) {}

  void begin_object() override { open(false); }
  void key(std::string&& name) override { levels_.back().name = std::move(name); }
  void end_object() override { close(); }
  void begin_array() override { open(true); }
  void end_array() override { close(); }
  void string(std::string&&) override { next(); }
  void whole_number(uint64_t value) override {
    if (levels_.size() == 1 && !step_ && levels_[0].name == "step") {
      check<IoError>(value <= uint64_t(std::numeric_limits<int64_t>::max()), "the step ", value, " is too large");
      step_ = int64_t(value);
      return;
    }
    add(double(value), double(value) <= most_exact);
  }
  void other(const std::string& text) override {
    if (text == "true" || text == "false") return next();
    if (text == "null") return add(std::numeric_limits<double>::quiet_NaN(), false);
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    add(value, text.find_first_of(".eE") == std::string::npos && std::abs(value) <= most_exact);
  }

  MetricsRow finish() {
    check<IoError>(step_.has_value(), "its first member is no step");
    return {*step_, std::move(figures_)};
  }

 private:
  struct Level {
    bool list = false;
    std::string name = {};
    size_t index = 0;
  };

  void open(bool list) {
    check<IoError>(list || !levels_.empty() || !step_, "there is more than one object");
    check<IoError>(!list || !levels_.empty(), "it is a list, no object");
    check<IoError>(levels_.size() < most_levels, "its figures have more than ", most_levels, " levels");
    levels_.push_back({.list = list});
  }
  void close() {
    levels_.pop_back();
    next();
  }
  /// After a value: the next one of a list has the next number.
  void next() {
    if (!levels_.empty()) ++levels_.back().index;
  }
  void add(double value, bool whole) {
    check<IoError>(step_.has_value(), "its first member is no step");
    std::string name;
    for (const Level& level : levels_) {
      name += (name.empty() ? "" : "/") + (level.list ? std::to_string(level.index) : level.name);
      check<IoError>(name.size() <= longest_name, "the name of a figure has more than ", longest_name, " bytes");
    }
    const auto [found, added] = columns_.try_emplace(name, table_.columns.size());
    if (added) {
      check<IoError>(table_.columns.size() < most_columns, "there are more than ", most_columns, " different figures");
      table_.columns.push_back(name);
    }
    figures_.push_back({.value = value, .column = uint32_t(found->second), .whole = whole});
    next();
  }

  MetricsTable& table_;
  Columns& columns_;
  std::vector<Level> levels_;
  std::vector<Figure> figures_;
  std::optional<int64_t> step_;
};

}  // namespace

std::string Figure::text() const {
  if (!std::isfinite(value)) return "null";
  return whole ? std::to_string(static_cast<int64_t>(value)) : shortest(value);
}

MetricsTable parse_metrics(std::string_view text, const std::string& path) {
  MetricsTable table;
  Columns columns;
  size_t begin = 0;
  for (size_t end; (end = text.find('\n', begin)) != std::string_view::npos; begin = end + 1) {
    try {
      LineHandler handler(table, columns);
      read_json(text.substr(begin, end - begin), "the line", handler);
      MetricsRow row = handler.finish();
      check<IoError>(table.rows.empty() || row.step >= table.rows.back().step, "its step ", row.step,
                     " is below that of the line before");
      table.rows.push_back(std::move(row));
    } catch (const IoError& error) {
      fail<IoError>(path, ":", table.rows.size() + 1, ": not a line of a run's log: ", error.what());
    }
  }
  return table;
}

MetricsTable read_metrics(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) return {};
  return parse_metrics(read_file(path, most_bytes), path);
}

}  // namespace ditharos::training
