#include "examples/cli/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos::examples {

namespace {

// A bound in a sentence: 1 rather than 1.0.
std::string plain(double x) {
  std::string text = shortest(x);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

template <class T>
std::optional<T> parse_number(std::string_view s) {
  T x{};
  s = trimmed(s);
  if (s.starts_with('+')) s.remove_prefix(1);
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), x);
  if (error != std::errc() || end != s.data() + s.size()) return std::nullopt;
  return x;
}

template <class T>
std::optional<Value> parse_list(std::string_view s) {
  s = trimmed(s);
  if (s.starts_with('[') && s.ends_with(']')) s = s.substr(1, s.size() - 2);
  std::vector<T> list;
  while (!trimmed(s).empty()) {
    const size_t comma = s.find(',');
    const auto x = parse_number<T>(s.substr(0, comma));
    if (!x) return std::nullopt;
    list.push_back(*x);
    if (comma == std::string_view::npos) break;
    s.remove_prefix(comma + 1);
    if (trimmed(s).empty()) return std::nullopt;  // "1,2,"
  }
  return list;
}

std::string item_text(int64_t x) { return std::to_string(x); }
std::string item_text(double x) { return shortest(x); }

template <class T>
std::string list_text(const std::vector<T>& list) {
  std::string out = "[";
  for (const T& x : list) out += (out.size() > 1 ? ", " : "") + item_text(x);
  return out + "]";
}

}  // namespace

Rule& Rule::at_least(double low) {
  low_ = low, low_open_ = false;
  return *this;
}
Rule& Rule::above(double low) {
  low_ = low, low_open_ = true;
  return *this;
}
Rule& Rule::at_most(double high) {
  high_ = high, high_open_ = false;
  return *this;
}
Rule& Rule::below(double high) {
  high_ = high, high_open_ = true;
  return *this;
}
Rule& Rule::count(int64_t length) {
  count_ = length;
  return *this;
}
Rule& Rule::or_number() {
  or_number_ = true;
  return *this;
}
Rule& Rule::one_of(std::vector<std::string> choices) {
  choices_ = std::move(choices);
  return *this;
}

std::string Rule::text() const {
  if (!choices_.empty()) {
    std::string out = "one of ";
    for (const std::string& choice : choices_) out += (out.size() > 7 ? ", " : "") + choice;
    return out;
  }
  std::string out;
  if (low_) out += (low_open_ ? "above " : "at least ") + plain(*low_);
  if (low_ && high_) out += " and ";
  if (high_) out += (high_open_ ? "below " : "at most ") + plain(*high_);
  return out;
}

bool Rule::allows_number(double x) const {
  return std::isfinite(x) && (!low_ || x > *low_ || (x == *low_ && !low_open_)) &&
         (!high_ || x < *high_ || (x == *high_ && !high_open_));
}

bool Rule::allows(const Value& value) const {
  const auto allows_list = [&](const auto& list) {
    return (!count_ || static_cast<int64_t>(list.size()) == *count_) && (!or_number_ || !list.empty()) &&
           std::all_of(list.begin(), list.end(), [&](auto x) { return allows_number(static_cast<double>(x)); });
  };
  if (const auto* x = std::get_if<int64_t>(&value)) return allows_number(static_cast<double>(*x));
  if (const auto* x = std::get_if<double>(&value)) return allows_number(*x);
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) return allows_list(*list);
  if (const auto* list = std::get_if<std::vector<double>>(&value)) return allows_list(*list);
  if (const auto* s = std::get_if<std::string>(&value)) {
    return is_utf8(*s) && (choices_.empty() || std::find(choices_.begin(), choices_.end(), *s) != choices_.end());
  }
  return true;
}

std::string Rule::expectation(const Value& like) const {
  if (!choices_.empty()) return text();
  if (std::holds_alternative<bool>(like)) return "true or false";
  if (std::holds_alternative<std::string>(like)) return "text";
  const bool is_list =
      std::holds_alternative<std::vector<int64_t>>(like) || std::holds_alternative<std::vector<double>>(like);
  const bool is_integer = std::holds_alternative<int64_t>(like) || std::holds_alternative<std::vector<int64_t>>(like);
  const std::string rule = text();
  const std::string link = rule.empty() ? "" : rule.starts_with("at ") ? " of " : " ";  // of at least 1; above 1
  if (!is_list) return (is_integer ? "an integer" : "a number") + link + rule;
  const std::string length = count_ ? std::to_string(*count_) + " " : "";
  return (or_number_ ? "a number or a list of " : "a list of ") + length + (is_integer ? "integers" : "numbers") +
         (rule.empty() ? "" : ", each " + rule);
}

std::string toml_text(const Value& value, const Rule& rule) {
  if (const auto* list = std::get_if<std::vector<double>>(&value); list && rule.takes_number() && list->size() == 1)
    return item_text(list->front());
  if (const auto* on = std::get_if<bool>(&value)) return *on ? "true" : "false";
  if (const auto* x = std::get_if<int64_t>(&value)) return item_text(*x);
  if (const auto* x = std::get_if<double>(&value)) return item_text(*x);
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) return list_text(*list);
  if (const auto* list = std::get_if<std::vector<double>>(&value)) return list_text(*list);
  return quote(std::get<std::string>(value));
}

std::optional<Value> parse_value(const std::string& text, const Value& like) {
  const auto as_value = [](const auto& x) { return x ? std::optional<Value>(*x) : std::nullopt; };
  if (std::holds_alternative<std::string>(like)) return text;
  if (std::holds_alternative<int64_t>(like)) return as_value(parse_number<int64_t>(text));
  if (std::holds_alternative<double>(like)) return as_value(parse_number<double>(text));
  if (std::holds_alternative<std::vector<int64_t>>(like)) return parse_list<int64_t>(text);
  if (std::holds_alternative<std::vector<double>>(like)) return parse_list<double>(text);
  if (text == "true" || text == "false") return text == "true";
  return std::nullopt;
}

}  // namespace ditharos::examples
