// Reading of the command line into settings: the only file that knows the argument parser.
#include <ditharos/tensor/io/quoted_text.h>
#include "examples/cli/settings_source.h"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "examples/cli/suggest.h"

namespace ditharos::examples {

namespace {

bool is_list(const Setting& s) {
  const Value value = s.get();
  return std::holds_alternative<std::vector<int64_t>>(value) || std::holds_alternative<std::vector<double>>(value);
}
bool is_switch(const Setting& s) { return std::holds_alternative<bool>(s.get()); }

std::string negated(const std::string& flag) { return "--no-" + flag.substr(2); }

[[noreturn]] void fail_unknown(const std::vector<Setting>& table, const std::vector<TextOption>& texts,
                               bool takes_config, const std::string& argument) {
  check<ConfigError>(argument.starts_with('-'), "unexpected argument ", quote(argument),
                     "; settings are given as --name value, see --help");
  std::vector<std::string> flags{"--help"};
  if (takes_config) flags.insert(flags.end(), {"--config", "--set"});
  for (const Setting& s : table) {
    flags.push_back(s.flag());
    if (is_switch(s)) flags.push_back(negated(s.flag()));
  }
  for (const TextOption& t : texts)
    if (!t.name.empty()) flags.push_back(t.flag());
  const std::string flag = argument.substr(0, argument.find('='));
  fail<ConfigError>("unknown flag ", quote(flag), did_you_mean(flag, flags));
}

// The parser's message about a missing value names its own types; this one names what the value must be.
[[noreturn]] void fail_parse(const std::vector<Setting>& table, const std::vector<TextOption>& texts,
                             const CLI::ParseError& e) {
  const std::string message = e.what();
  for (const Setting& s : table) {
    const bool is_this = message.starts_with(s.flag() + ":");
    if (is_this) fail<ConfigError>(s.flag(), " needs a value: ", s.rule.expectation(s.get()));
  }
  for (const TextOption& t : texts) {
    check<ConfigError>(t.name.empty() || !message.starts_with(t.flag() + ":"), t.flag(), " is followed by ",
                       t.placeholder);
  }
  check<ConfigError>(!message.starts_with("--set:"), "--set is followed by KEY=VALUE");
  check<ConfigError>(!message.starts_with("--config:"), "--config needs the name of a TOML file");
  fail<ConfigError>(message);
}

Value checked(const Setting& s, const std::string& name, const std::string& text) {
  const Value present = s.get();
  const std::optional<Value> value = parse_value(text, present);
  check<ConfigError>(value && s.rule.allows(*value), name, " must be ", s.rule.expectation(present), ", not ",
                     quote(text));
  return *value;
}

/// The assignment of --set "key=value" or "section.key=value"; in keys - stands for _ too.
Assignment assignment_from(const std::vector<Setting>& table, const std::string& text) {
  const size_t sign = text.find('=');
  check<ConfigError>(sign != std::string::npos && sign > 0, "--set is followed by KEY=VALUE, not ", quote(text));
  std::string key = text.substr(0, sign), section;
  std::replace(key.begin(), key.end(), '-', '_');
  if (const size_t dot = key.find('.'); dot != std::string::npos)
    section = key.substr(0, dot), key = key.substr(dot + 1);
  std::vector<std::string> keys, sections;
  for (size_t row = 0; row < table.size(); ++row) {
    const Setting& s = table[row];
    if (s.name == key) {
      check<ConfigError>(!s.section.empty(), "--set is for the keys of a configuration; ", s.flag(),
                         " is an option of the command line alone");
      check<ConfigError>(section.empty() || section == s.section, "--set: unknown key ", quote(key), " in [", section,
                         "]; it belongs in [", s.section, "]");
      return {row, checked(s, "--set " + text.substr(0, sign), text.substr(sign + 1)), "--set"};
    }
    if (s.section.empty()) continue;
    sections.push_back(s.section);
    if (section.empty() || s.section == section) keys.push_back(s.name);
  }
  check<ConfigError>(!keys.empty(), "--set: unknown section ", quote(section), did_you_mean(section, sections));
  fail<ConfigError>("--set: unknown key ", quote(key), section.empty() ? "" : " in [" + section + "]",
                    did_you_mean(key, keys));
}

}  // namespace

CommandLine read_command_line(const std::vector<Setting>& table, const std::vector<TextOption>& texts,
                              bool takes_config, int argc, const char* const* argv) {
  CLI::App app;
  app.set_help_flag();  // ours prints its own text
  app.allow_extras();   // unknown flags are reported with a suggestion
  CLI::Option* help = app.add_flag("-h,--help");
  std::vector<std::string> values(table.size() + 1);
  std::vector<std::vector<std::string>> lists(table.size());
  CLI::Option* config = takes_config ? app.add_option("--config", values.back())->take_last() : nullptr;
  std::vector<std::string> sets;
  if (takes_config) app.add_option("--set", sets)->expected(1)->take_all();
  std::vector<CLI::Option*> options;
  for (size_t row = 0; row < table.size(); ++row) {
    const std::string flag = table[row].flag();
    if (is_list(table[row])) {
      options.push_back(app.add_option(flag, lists[row])->expected(1)->take_all());
      continue;
    }
    options.push_back(is_switch(table[row]) ? app.add_flag(flag + ",!" + negated(flag))
                                            : app.add_option(flag, values[row]));
    options.back()->take_last();
  }
  CommandLine line;
  line.texts.resize(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const TextOption& t = texts[i];
    if (t.name.empty()) app.add_option("arguments", line.texts[i])->expected(-1);
    else if (t.count == 0) app.add_option(t.flag(), line.texts[i])->expected(1)->take_all();
    else app.add_option(t.flag(), line.texts[i])->expected(t.count);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    fail_parse(table, texts, e);
  }

  for (size_t i = 0; i < texts.size(); ++i) {
    const std::vector<std::string>& given = line.texts[i];
    const bool flag = std::any_of(given.begin(), given.end(), [](const auto& text) { return text.starts_with("--"); });
    const bool fits = given.empty() || ((texts[i].count == 0 || int(given.size()) == texts[i].count) && !flag);
    check<ConfigError>(texts[i].name.empty() || fits, texts[i].flag(), " is followed by ", texts[i].placeholder);
  }
  line.help = help->count() > 0;
  if (line.help) return line;
  for (const std::string& argument : app.remaining()) fail_unknown(table, texts, takes_config, argument);
  if (config != nullptr && config->count() > 0) line.config = values.back();
  for (size_t row = 0; row < table.size(); ++row) {
    if (options[row]->count() == 0) continue;
    std::string text = is_switch(table[row]) ? options[row]->results().back() : values[row];
    for (const std::string& part : lists[row]) text += (text.empty() ? "" : ",") + part;
    line.assignments.push_back({row, checked(table[row], table[row].flag(), text), table[row].flag()});
  }
  for (const std::string& text : sets) line.assignments.push_back(assignment_from(table, text));
  return line;
}

}  // namespace ditharos::examples
