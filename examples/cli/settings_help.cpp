// The text of --help: what the program does, then every setting by section with its default and what it may be.
#include "examples/cli/settings_source.h"

#include <sstream>

namespace ditharos::examples {

namespace {

constexpr size_t kWidth = 96;
constexpr size_t kIndent = 30;  // where descriptions begin

// Words of `text`, broken so that lines which begin at column `indent` end before kWidth, and at its own line ends.
std::string wrapped(const std::string& text, size_t indent) {
  if (const size_t end = text.find('\n'); end != std::string::npos)
    return wrapped(text.substr(0, end), indent) + "\n" + std::string(indent, ' ') +
           wrapped(text.substr(end + 1), indent);
  std::istringstream words(text);
  std::string out, word;
  size_t column = indent;
  while (words >> word) {
    if (column > indent && column + 1 + word.size() > kWidth) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string row(const std::string& flag, const std::string& description) {
  std::string left = "  " + flag;
  left += left.size() + 2 <= kIndent ? std::string(kIndent - left.size(), ' ') : "\n" + std::string(kIndent, ' ');
  return left + wrapped(description, kIndent) + "\n";
}

std::string row(const Setting& s) {
  const Value present = s.get();
  const bool is_switch = std::holds_alternative<bool>(present);
  const std::string flag = is_switch ? "--[no-]" + s.flag().substr(2) : s.flag() + " " + s.placeholder;
  std::string notes = is_switch ? "" : s.rule.text();
  const std::string* text = std::get_if<std::string>(&present);
  const std::string shown = text ? *text : toml_text(present, s.rule);
  if (!shown.empty()) notes += (notes.empty() ? "default: " : "; default: ") + shown;
  return row(flag, s.help + (notes.empty() ? "" : " (" + notes + ")"));
}

}  // namespace

std::string help_text(const std::string& program, const std::string& summary,
                      const std::vector<std::pair<std::string, std::string>>& sections,
                      const std::vector<Setting>& table, const std::vector<TextOption>& texts, bool takes_config) {
  std::string out = wrapped(summary, 0) + "\n\nUsage: " + program;
  out += takes_config ? " [--config FILE] [--KEY VALUE]..." : " [--KEY VALUE]...";
  for (const TextOption& t : texts) {
    if (t.name.empty()) out += " " + t.placeholder;
  }
  out += "\n\n";
  for (const TextOption& t : texts) {
    if (t.name.empty()) out += row(t.placeholder, t.help);
  }
  out += row("-h, --help", "print this text");
  for (const auto& [section, about] : sections) {
    if (section.empty()) {
      if (takes_config) {
        out += row("--config FILE", "read settings from a TOML file; a flag wins over it, it wins over the default");
        out += row("--set KEY=VALUE",
                   "a key of the file by its name, or as section.key; may be repeated, and wins "
                   "over the key's own flag");
      }
    } else {
      out += "\n[" + section + "]" + (about.empty() ? "" : " " + about) + "\n";
    }
    for (const Setting& s : table) {
      if (s.section == section) out += row(s);
    }
    if (!section.empty()) continue;
    for (const TextOption& t : texts) {
      if (!t.name.empty()) out += row(t.flag() + " " + t.placeholder, t.help);
    }
  }
  for (const Setting& s : table) {
    if (s.section.empty() || std::holds_alternative<bool>(s.get())) continue;
    out += "\n" +
           wrapped("Every key can stand in the file too, in the section shown, with _ for -: " + s.flag() + " " +
                       toml_text(s.get()) + " is",
                   0) +
           "\n\n  [" + s.section + "]\n  " + s.name + " = " + toml_text(s.get()) + "\n";
    break;
  }
  return out;
}

}  // namespace ditharos::examples
