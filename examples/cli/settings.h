#pragma once
// The settings of a program. One table describes every key; it serves for reading a TOML file, for the flags, for
// --help, and for writing the resolved configuration as TOML text.
//
//   Config config;
//   Settings settings("train_dit", "Trains a class-conditional diffusion transformer.");
//   settings.section("train", "the training loop")
//       .add("batch_size", config.batch_size, "images per step", at_least(1))
//       .add("betas", config.betas, "decay of AdamW's two averages", at_least(0).below(1).count(2));
//   if (!settings.parse(argc, argv)) return 0;  // --help was printed
//
// A flag (--batch-size 64, or --set train.batch_size=64) overrides the TOML file ([train] batch_size = 64),
// which overrides the variable's value.
#include <concepts>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <iostream>
#include <limits>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ditharos/tensor/error.h>
#include "examples/cli/value.h"

namespace ditharos::examples {

/// One row of the table.
struct Setting {
  std::string section;      ///< "" for options of the command line, which no configuration holds
  std::string name;         ///< unique in the whole table, because the flag is derived from it
  std::string help;         ///< its meaning, with its unit
  std::string placeholder;  ///< the value's name in --help: N, X, PATH
  Rule rule;
  std::function<Value()> get;
  std::function<void(const Value&)> set;
  std::string origin = "default";  ///< the source of the present value, for messages
  Value standard = {};             ///< the value where nobody gives one

  /// Under which it has an effect.
  struct Condition {
    std::function<bool()> holds;
    std::string needs;      ///< its description, for a message
    bool required = false;  ///< given in spite of it, the setting is an error
  };
  std::vector<Condition> conditions = {};

  std::string flag() const;       ///< "--batch-size"
  std::string full_name() const;  ///< "batch_size in [train]", or the flag where there is no section
  bool is_flag() const;           ///< the present value comes from the command line
};

/// Texts on the command line: arguments without a flag, of a flag that takes several, or of one that may be repeated.
struct TextOption {
  std::string name;         ///< "" for arguments without a flag
  std::string placeholder;  ///< "PROMPT...", "A B"
  std::string help;
  int count;  ///< arguments of the flag; 0: one, and the flag may be repeated
  std::vector<std::string>* target;

  std::string flag() const { return "--" + name; }
};

class Settings {
 public:
  /// `program` and `summary` are for --help.
  Settings(std::string program, std::string summary);

  /// Adds rows to one section; add() may be chained.
  class Section {
   public:
    /// A row for `variable`, which must outlive the settings and holds the default. T: bool, any integer, float,
    /// double, std::string, std::filesystem::path, or a std::vector of integers or floating-point numbers.
    template <class T>
    Section& add(const std::string& name, T& variable, const std::string& help, Rule rule = {});
    /// A row for an enumeration: its values and their names.
    template <class E>
      requires std::is_enum_v<E>
    Section& add(const std::string& name, E& variable, const std::string& help,
                 const std::type_identity_t<std::vector<std::pair<const char*, E>>>& names);
    /// A row that shows two values of an enumeration as a switch. Switched off it leaves any third value.
    template <class E>
      requires std::is_enum_v<E>
    Section& add_switch(const std::string& name, E& variable, E off, E on, const std::string& help);

   private:
    friend class Settings;
    Section(Settings& settings, std::string name) : settings_(settings), name_(std::move(name)) {}
    Settings& settings_;
    std::string name_;
  };

  /// The program reads no TOML file: --config is no flag, or one of its own. Called before any row is added.
  void without_config_file() { takes_config_ = false; }
  /// The TOML section [name]; `about` describes it in --help.
  Section section(const std::string& name, const std::string& about = "");
  /// Options of the command line alone (--resume, --json): in --help, but not in the configuration.
  Section options();

  /// Arguments without a flag, as many as there are; without this they are refused. `placeholder` is for --help.
  void add_arguments(std::vector<std::string>& texts, const std::string& placeholder, const std::string& help);
  /// A flag of the command line that takes `count` texts: --interpolate A B.
  void add_texts(const std::string& name, std::vector<std::string>& texts, int count, const std::string& placeholder,
                 const std::string& help);

  /// A flag of the command line that takes one text and may be repeated: --classes 3 --classes Bag.
  void add_repeated(const std::string& name, std::vector<std::string>& texts, const std::string& placeholder,
                    const std::string& help);
  /// Declares that settings have an effect only while `used` returns true; `needs` ends the sentence "--eta needs ...".
  void only_with(std::initializer_list<const char*> names, const std::function<bool()>& used, const std::string& needs);
  /// The same for settings of some kinds of data or of conditioning alone: check_kinds() refuses them for others.
  void only_for(std::initializer_list<const char*> names, const std::function<bool()>& used, const std::string& needs);
  /// ConfigError for the first setting of another kind of data: on the command line, or in the configuration with a
  /// value other than the default, since a run's own configuration has a line for each setting.
  void check_kinds() const;
  /// The flags that were given and have no effect, a sentence each: "--eta has no effect: it needs sampler = ddim".
  std::vector<std::string> without_effect() const;
  /// Prints them, a line each, before the work begins.
  void say_without_effect(std::ostream& out = std::cerr) const;

  /// Reads the command line and the file that --config names. Of a flag that is given twice the last value counts; the
  /// numbers of a list are appended. Returns false after printing the help to `out`. Throws ConfigError, before any
  /// variable has changed, for anything unknown, malformed or out of range.
  bool parse(int argc, const char* const* argv, std::ostream& out = std::cout);

  /// Reads TOML text, such as the configuration that a checkpoint holds; `source` names it in messages. Called before
  /// parse(), it replaces the defaults. Throws ConfigError as parse() does.
  void read(const std::string& toml, const std::string& source);

  /// The present values of all sections, as TOML that read() takes back.
  std::string to_toml() const;
  std::string help() const;

  /// The file that --config named last; "" without one.
  const std::string& config_path() const { return config_path_; }

  /// The source of a value ("default", "quick.toml:3:9", "--patch"), for messages about settings that do not fit
  /// together. Throws Error for a name that is not in the table.
  const std::string& origin(const std::string& name) const;

 private:
  friend class Section;
  friend std::set<std::string> keys_of(const Settings& settings);
  void add(Setting setting);
  void add_condition(std::initializer_list<const char*> names, const Setting::Condition& condition);

  std::string program_, summary_;
  std::vector<std::pair<std::string, std::string>> sections_;  // name, about
  std::vector<Setting> table_;
  std::vector<TextOption> texts_;
  std::string config_path_;
  bool takes_config_ = true;  // a TOML file by --config
};

/// The keys that a configuration holds: those of all sections.
std::set<std::string> keys_of(const Settings& settings);

namespace detail {

template <class T>
constexpr bool is_number_list = false;
template <class T>
constexpr bool is_number_list<std::vector<T>> = std::is_arithmetic_v<T> && !std::same_as<T, bool>;

// The element or number type that a Value holds for T.
template <class T>
using Wide = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;

template <class T>
Value to_value(const T& x) {
  if constexpr (std::same_as<T, bool>) return x;
  else if constexpr (std::is_arithmetic_v<T>) return static_cast<Wide<T>>(x);
  else if constexpr (is_number_list<T>) return std::vector<Wide<typename T::value_type>>(x.begin(), x.end());
  else if constexpr (std::same_as<T, std::filesystem::path>) return x.string();
  else return std::string(x);
}

template <class T>
void from_value(const Value& value, T& x) {
  if constexpr (std::same_as<T, bool>) x = std::get<bool>(value);
  else if constexpr (std::is_arithmetic_v<T>) x = static_cast<T>(std::get<Wide<T>>(value));
  else if constexpr (is_number_list<T>) {
    const auto& list = std::get<std::vector<Wide<typename T::value_type>>>(value);
    x.assign(list.begin(), list.end());
  } else x = std::get<std::string>(value);
}

template <class T>
std::string placeholder() {
  if constexpr (is_number_list<T>) return std::is_integral_v<typename T::value_type> ? "N,N,.." : "X,X,..";
  else if constexpr (std::is_arithmetic_v<T>) return std::is_integral_v<T> ? "N" : "X";
  else return std::same_as<T, std::filesystem::path> ? "PATH" : "TEXT";
}

}  // namespace detail

template <class T>
Settings::Section& Settings::Section::add(const std::string& name, T& variable, const std::string& help, Rule rule) {
  if constexpr (std::integral<T> && !std::same_as<T, bool> && sizeof(T) < sizeof(int64_t)) {
    if (!rule.has_lower_bound()) rule.at_least(std::numeric_limits<T>::min());
    if (!rule.has_upper_bound()) rule.at_most(std::numeric_limits<T>::max());
  } else if constexpr (std::unsigned_integral<T> && !std::same_as<T, bool>) {
    if (!rule.has_lower_bound()) rule.at_least(0);
  }
  settings_.add({.section = name_,
                 .name = name,
                 .help = help,
                 .placeholder = rule.choices().empty() ? detail::placeholder<T>() : "NAME",
                 .rule = std::move(rule),
                 .get = [&variable] { return detail::to_value(variable); },
                 .set = [&variable](const Value& value) { detail::from_value(value, variable); }});
  return *this;
}

template <class E>
  requires std::is_enum_v<E>
Settings::Section& Settings::Section::add(const std::string& name, E& variable, const std::string& help,
                                          const std::type_identity_t<std::vector<std::pair<const char*, E>>>& names) {
  const std::vector<std::pair<std::string, E>> table(names.begin(), names.end());
  std::vector<std::string> choices;
  for (const auto& [text, value] : table) choices.push_back(text);
  const auto get = [&variable, table]() -> Value {
    for (const auto& [text, value] : table) {
      if (value == variable) return text;
    }
    return std::string();
  };
  const auto set = [&variable, table](const Value& value) {
    for (const auto& [text, e] : table) {
      if (text == std::get<std::string>(value)) variable = e;
    }
  };
  settings_.add({.section = name_,
                 .name = name,
                 .help = help,
                 .placeholder = "NAME",
                 .rule = one_of(std::move(choices)),
                 .get = get,
                 .set = set});
  return *this;
}

template <class E>
  requires std::is_enum_v<E>
Settings::Section& Settings::Section::add_switch(const std::string& name, E& variable, E off, E on,
                                                 const std::string& help) {
  settings_.add({.section = name_,
                 .name = name,
                 .help = help,
                 .placeholder = detail::placeholder<bool>(),
                 .rule = {},
                 .get = [&variable, on] { return Value(variable == on); },
                 .set =
                     [&variable, off, on](const Value& value) {
                       if (std::get<bool>(value)) variable = on;
                       else if (variable == on) variable = off;
                     }});
  return *this;
}

}  // namespace ditharos::examples
