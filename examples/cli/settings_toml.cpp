// Reading of TOML text into settings: the only file that knows the TOML library.
#include <ditharos/pipelines/stored/toml_check.h>
#include <ditharos/tensor/io/quoted_text.h>
#include "examples/cli/settings_source.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include <toml++/toml.h>

#include "examples/cli/suggest.h"

namespace ditharos::examples {

namespace {

struct Mistake {
  toml::source_position where;
  std::string what;
};

/// The value of a number. toml++ itself gives no double for an integer that has none exactly, such as 2^63 - 1.
template <class T>
T number(const toml::node& node) {
  return node.is_integer() ? static_cast<T>(*node.value<int64_t>()) : static_cast<T>(*node.value<double>());
}

template <class T>
std::optional<Value> list_from(const toml::node& node) {
  const toml::array* array = node.as_array();
  if (!array) return std::nullopt;
  std::vector<T> list;
  for (const toml::node& item : *array) {
    // An integer stands for a floating-point number too, but not the other way round.
    const bool fits = item.is_integer() || (std::is_floating_point_v<T> && item.is_floating_point());
    if (!fits) return std::nullopt;
    list.push_back(number<T>(item));
  }
  return list;
}

std::optional<Value> value_from(const toml::node& node, const Value& like, const Rule& rule) {
  if (rule.takes_number() && node.is_number()) return std::vector<double>{number<double>(node)};
  if (std::holds_alternative<std::vector<int64_t>>(like)) return list_from<int64_t>(node);
  if (std::holds_alternative<std::vector<double>>(like)) return list_from<double>(node);
  if (std::holds_alternative<bool>(like) && node.is_boolean()) return *node.value<bool>();
  if (std::holds_alternative<int64_t>(like) && node.is_integer()) return *node.value<int64_t>();
  if (std::holds_alternative<double>(like) && node.is_number()) return number<double>(node);
  if (std::holds_alternative<std::string>(like) && node.is_string()) return *node.value<std::string>();
  return std::nullopt;
}

// The node for a message, on one line of moderate length.
std::string text_of(const toml::node& node) {
  if (node.is_table()) return "a table";
  if (node.is_integer()) return toml_text(*node.value<int64_t>());
  if (node.is_floating_point()) return toml_text(*node.value<double>());
  if (node.is_boolean()) return toml_text(*node.value<bool>());
  if (node.is_string()) return toml_text(*node.value<std::string>());
  if (!node.is_array()) return "a date or time";
  std::string text = "[";
  for (const toml::node& item : *node.as_array()) {
    constexpr size_t longest = 60;
    if (text.size() > longest) return text + ", ...]";
    text += (text.size() > 1 ? ", " : "") + text_of(item);
  }
  return text + "]";
}

class Reader {
 public:
  Reader(const std::vector<Setting>& table, std::string source) : table_(table), source_(std::move(source)) {}

  std::vector<Assignment> read(const toml::table& root) {
    for (const auto& [key, node] : root) read_root(std::string(key.str()), key.source().begin, node);
    if (!mistakes_.empty()) {
      // The library sorts keys by name; the first mistake in the file is reported.
      const auto first = std::min_element(mistakes_.begin(), mistakes_.end(), [](const Mistake& a, const Mistake& b) {
        return std::tie(a.where.line, a.where.column) < std::tie(b.where.line, b.where.column);
      });
      fail<ConfigError>(position_text(first->where), ": ", first->what);
    }
    return std::move(assignments_);
  }

 private:
  std::string position_text(const toml::source_position& p) const {
    return source_ + ":" + std::to_string(p.line) + ":" + std::to_string(p.column);
  }

  void read_root(const std::string& key, toml::source_position where, const toml::node& node) {
    const bool is_section =
        std::any_of(table_.begin(), table_.end(), [&](const Setting& s) { return !key.empty() && s.section == key; });
    const toml::table* table = node.as_table();
    if (is_section && table) {
      for (const auto& [name, value] : *table) read_key(key, std::string(name.str()), name.source().begin, value);
    } else if (is_section) {
      mistakes_.push_back({where, "[" + key + "] must be a section with keys, not " + text_of(node)});
    } else if (table) {
      std::vector<std::string> sections;
      for (const Setting& s : table_) sections.push_back(s.section);
      mistakes_.push_back({where, "unknown section " + quote(key) + did_you_mean(key, sections)});
    } else {
      mistakes_.push_back({where, "unknown key " + quote(key) + " outside all sections" + advice("", key)});
    }
  }

  void read_key(const std::string& section, const std::string& name, toml::source_position where,
                const toml::node& node) {
    const auto row = std::find_if(table_.begin(), table_.end(),
                                  [&](const Setting& s) { return s.section == section && s.name == name; });
    if (row == table_.end()) {
      mistakes_.push_back({where, "unknown key " + quote(name) + " in [" + section + "]" + advice(section, name)});
      return;
    }
    const Value present = row->get();
    std::optional<Value> value = value_from(node, present, row->rule);
    if (!value || !row->rule.allows(*value)) {
      mistakes_.push_back({node.source().begin,
                           row->full_name() + " must be " + row->rule.expectation(present) + ", not " + text_of(node)});
      return;
    }
    assignments_.push_back({static_cast<size_t>(row - table_.begin()), std::move(*value), position_text(where)});
  }

  // A suggestion for an unknown key: the same key of another section before a similar one of this section.
  std::string advice(const std::string& section, const std::string& name) const {
    std::vector<std::string> here, elsewhere;
    for (const Setting& s : table_) {
      if (s.section.empty()) continue;
      if (s.name == name) return "; it belongs in [" + s.section + "]";
      (s.section == section ? here : elsewhere).push_back(s.name);
    }
    const std::string near = did_you_mean(name, here);
    if (!near.empty()) return near;
    const std::string far = nearest(name, elsewhere);
    for (const Setting& s : table_) {
      if (!far.empty() && s.name == far) return "; did you mean " + quote(far) + " in [" + s.section + "]?";
    }
    return "";
  }

  const std::vector<Setting>& table_;
  std::string source_;
  std::vector<Assignment> assignments_;
  std::vector<Mistake> mistakes_;
};

}  // namespace

std::vector<Assignment> read_toml(const std::vector<Setting>& table, const std::string& text,
                                  const std::string& source) {
  pipelines::check_toml(text, source);
  try {
    return Reader(table, source).read(toml::parse(text, source));
  } catch (const toml::parse_error& e) {
    const toml::source_position& p = e.source().begin;
    fail<ConfigError>(source, ":", p.line, ":", p.column, ": ", std::string(e.description()));
  }
}

}  // namespace ditharos::examples
