#include <ditharos/examples/common/settings.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <ostream>
#include <sstream>

#include <ditharos/examples/common/settings_source.h>

namespace ditharos::examples {

namespace {

std::string read_config_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  // A directory opens without complaint and fails at the first read; rdbuf of an empty file fails the output alone.
  if (file && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  check<ConfigError>(file.is_open() && !file.bad() && errno == 0, "--config: cannot read ", path,
                     errno != 0 ? std::string(": ") + std::strerror(errno) : std::string());
  return text.str();
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
  check(setting.name != "config" && setting.name != "help", "[Settings] ", setting.name, " is a flag of its own");
  const Value value = setting.get();
  check(setting.rule.allows(value), "[Settings] the default of ", setting.name, ", ", toml_text(value), ", is not ",
        setting.rule.expectation(value));
  table_.push_back(std::move(setting));
}

bool Settings::parse(int argc, const char* const* argv, std::ostream& out) {
  CommandLine line = read_command_line(table_, argc, argv);
  if (line.help) {
    out << help();
    return false;
  }
  if (line.config) commit(table_, read_toml(table_, read_config_file(*line.config), *line.config));
  commit(table_, std::move(line.assignments));
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
      if (s.section == section) out += s.name + " = " + toml_text(s.get()) + "\n";
    }
  }
  return out;
}

std::string Settings::help() const { return help_text(program_, summary_, sections_, table_); }

const std::string& Settings::origin(const std::string& name) const {
  for (const Setting& s : table_) {
    if (s.name == name) return s.origin;
  }
  fail("[Settings] no key is called ", name);
}

}  // namespace ditharos::examples
