#pragma once
// The value of one setting, and the rule for its values.
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ditharos::examples {

using Value = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;

/// The allowed values of a setting. Bounds hold for every number of a list.
/// Written as a chain: at_least(0).below(1), above(0).count(2), one_of({"linear", "cosine"}).
class Rule {
 public:
  Rule& at_least(double low);
  Rule& above(double low);
  Rule& at_most(double high);
  Rule& below(double high);
  Rule& count(int64_t length);  ///< of a list
  Rule& or_number();            ///< a list of one number or more, of which one is written as a number
  Rule& one_of(std::vector<std::string> choices);

  bool has_lower_bound() const { return low_.has_value(); }
  bool has_upper_bound() const { return high_.has_value(); }
  const std::vector<std::string>& choices() const { return choices_; }
  bool takes_number() const { return or_number_; }  ///< for a list
  /// "at least 0 and below 1", "one of linear, cosine"; "" if everything is allowed.
  std::string text() const;
  /// Numbers that are not finite and strings that are not UTF-8 are never allowed.
  bool allows(const Value& value) const;
  /// A description of the allowed values of the type of `like`: "an integer of at least 1".
  std::string expectation(const Value& like) const;

 private:
  bool allows_number(double x) const;
  std::optional<double> low_, high_;
  bool low_open_ = false, high_open_ = false, or_number_ = false;
  std::optional<int64_t> count_;
  std::vector<std::string> choices_;
};

/// The largest f32 that is a round number: settings beyond it would be infinite where they are used.
inline constexpr double largest_float = 1e38;

inline Rule at_least(double low) { return Rule().at_least(low); }
inline Rule above(double low) { return Rule().above(low); }
inline Rule at_most(double high) { return Rule().at_most(high); }
inline Rule below(double high) { return Rule().below(high); }
inline Rule between(double low, double high) { return Rule().at_least(low).at_most(high); }
inline Rule one_of(std::vector<std::string> choices) { return Rule().one_of(std::move(choices)); }

/// The value as TOML writes it; reading it back gives the same value. `rule`: see Rule::or_number.
std::string toml_text(const Value& value, const Rule& rule = {});

/// Reads the text of a flag as a value of the same type as `like`; nothing when it is not one.
/// Lists are comma separated, with or without brackets.
std::optional<Value> parse_value(const std::string& text, const Value& like);

}  // namespace ditharos::examples
