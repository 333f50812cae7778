#include "examples/cli/settings.h"

#include <algorithm>
#include <ostream>

#include <ditharos/tensor/io/file.h>
#include "examples/cli/settings_source.h"

namespace ditharos::examples {

namespace {

std::string read_config_file(const std::string& path) {
  constexpr uint64_t longest = 1 << 20;  // bytes; nobody writes that many settings
  try {
    return read_file(path, longest);
  } catch (const IoError& e) {
    fail<ConfigError>("--config: ", e.what());
  }
}

void commit(std::vector<Setting>& table, std::vector<Assignment> assignments) {
  for (Assignment& a : assignments) {
    table[a.row].set(a.value);
    table[a.row].origin = std::move(a.origin);
  }
}

}  // namespace

std::string Setting::flag() const {
  std::string out = "--" + name;
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

bool Setting::is_flag() const { return origin == flag() || origin == "--set"; }

std::string Setting::full_name() const { return section.empty() ? flag() : name + " in [" + section + "]"; }

Settings::Settings(std::string program, std::string summary)
    : program_(std::move(program)), summary_(std::move(summary)), sections_{{"", ""}} {}

Settings::Section Settings::section(const std::string& name, const std::string& about) {
  const auto same = [&](const auto& s) { return s.first == name; };
  if (std::none_of(sections_.begin(), sections_.end(), same)) sections_.emplace_back(name, about);
  return Section(*this, name);
}

Settings::Section Settings::options() { return Section(*this, ""); }

void Settings::add(Setting setting) {
  for (const Setting& other : table_) {
    check(other.name != setting.name, "[Settings] the key ", setting.name, " is there twice; flags need unique names");
  }
  check(((setting.name != "config" && setting.name != "set") || !takes_config_) && setting.name != "help",
        "[Settings] ", setting.name, " is a flag of its own");
  const Value value = setting.get();
  check(setting.rule.allows(value), "[Settings] the default of ", setting.name, ", ", toml_text(value), ", is not ",
        setting.rule.expectation(value));
  setting.standard = value;
  table_.push_back(std::move(setting));
}

void Settings::add_arguments(std::vector<std::string>& texts, const std::string& placeholder, const std::string& help) {
  texts_.push_back({"", placeholder, help, 0, &texts});
}

void Settings::add_texts(const std::string& name, std::vector<std::string>& texts, int count,
                         const std::string& placeholder, const std::string& help) {
  texts_.push_back({name, placeholder, help, count, &texts});
}

void Settings::add_repeated(const std::string& name, std::vector<std::string>& texts, const std::string& placeholder,
                            const std::string& help) {
  texts_.push_back({name, placeholder, help, 0, &texts});
}

void Settings::add_condition(std::initializer_list<const char*> names, const Setting::Condition& condition) {
  for (const char* name : names) {
    const auto row = std::find_if(table_.begin(), table_.end(), [&](const Setting& s) { return s.name == name; });
    check(row != table_.end(), "[Settings] no key is called ", name);
    row->conditions.push_back(condition);
  }
}

void Settings::only_with(std::initializer_list<const char*> names, const std::function<bool()>& used,
                         const std::string& needs) {
  add_condition(names, {.holds = used, .needs = needs});
}

void Settings::only_for(std::initializer_list<const char*> names, const std::function<bool()>& used,
                        const std::string& needs) {
  add_condition(names, {.holds = used, .needs = needs, .required = true});
}

void Settings::check_kinds() const {
  for (const Setting& s : table_) {
    if (!s.is_flag() && (s.origin == "default" || s.get() == s.standard)) continue;
    for (const Setting::Condition& c : s.conditions)
      check<ConfigError>(!c.required || c.holds(), s.is_flag() ? s.flag() : s.origin + ": " + s.full_name(),
                         " has no effect: it needs ", c.needs, "; leave it out");
  }
}

std::vector<std::string> Settings::without_effect() const {
  std::vector<std::string> sentences;
  for (const Setting& s : table_) {
    if (!s.is_flag() || std::all_of(s.conditions.begin(), s.conditions.end(), [](const auto& c) { return c.holds(); }))
      continue;
    std::string needs;
    for (const Setting::Condition& c : s.conditions) needs += (needs.empty() ? "" : " and ") + c.needs;
    sentences.push_back(s.flag() + " has no effect: it needs " + needs);
  }
  return sentences;
}

void Settings::say_without_effect(std::ostream& out) const {
  for (const std::string& sentence : without_effect()) out << sentence << std::endl;
}

bool Settings::parse(int argc, const char* const* argv, std::ostream& out) {
  CommandLine line = read_command_line(table_, texts_, takes_config_, argc, argv);
  if (line.help) {
    out << help();
    return false;
  }
  config_path_ = line.config.value_or("");
  if (line.config) commit(table_, read_toml(table_, read_config_file(*line.config), *line.config));
  commit(table_, std::move(line.assignments));
  for (size_t i = 0; i < texts_.size(); ++i)
    if (!line.texts[i].empty()) *texts_[i].target = std::move(line.texts[i]);
  return true;
}

void Settings::read(const std::string& toml, const std::string& source) {
  commit(table_, read_toml(table_, toml, source));
}

std::string Settings::to_toml() const {
  std::string out;
  for (const auto& [section, about] : sections_) {
    if (section.empty()) continue;
    out += (out.empty() ? "[" : "\n[") + section + "]\n";
    for (const Setting& s : table_) {
      if (s.section == section) out += s.name + " = " + toml_text(s.get(), s.rule) + "\n";
    }
  }
  return out;
}

std::string Settings::help() const { return help_text(program_, summary_, sections_, table_, texts_, takes_config_); }

const std::string& Settings::origin(const std::string& name) const {
  for (const Setting& s : table_) {
    if (s.name == name) return s.origin;
  }
  fail("[Settings] no key is called ", name);
}

std::set<std::string> keys_of(const Settings& settings) {
  std::set<std::string> keys;
  for (const Setting& s : settings.table_)
    if (!s.section.empty()) keys.insert(s.name);
  return keys;
}

}  // namespace ditharos::examples
