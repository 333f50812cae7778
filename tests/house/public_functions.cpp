#include "tests/house/public_functions.h"

#include <regex>

#include "tests/house/layering.h"

namespace ditharos::tests {
namespace {

std::string without_directives(const std::string& header) {
  static const std::regex directive("(^|\n)[ \t]*#[^\n]*");
  return std::regex_replace(without_comments(header, false), directive, "\n");
}

/// What stands in namespaces, outside of every other brace: declarations, and definitions up to their body.
std::vector<std::string> declarations(const std::string& header) {
  static const std::regex opens_namespace("(^|\\s)(inline )?namespace[\\w:\\s]*$"), blanks("\\s+");
  std::vector<std::string> found;
  std::vector<bool> in_namespace;  // of each open brace
  std::string text;
  int parentheses = 0;
  const auto finish = [&] {
    text = std::regex_replace(text, blanks, " ");
    if (text.starts_with(" ")) text.erase(0, 1);
    if (!text.empty()) found.push_back(text);
    text.clear();
  };
  for (const char c : without_directives(header)) {
    const bool inside_body = !in_namespace.empty() && !in_namespace.back();
    if (!inside_body) parentheses += (c == '(') - (c == ')');
    if (c == '{' && parentheses == 0) {
      const bool is_namespace = !inside_body && std::regex_search(text, opens_namespace);
      if (is_namespace) text.clear();
      else if (!inside_body) finish();
      in_namespace.push_back(is_namespace);
    } else if (c == '}' && parentheses == 0) {
      if (!in_namespace.empty()) in_namespace.pop_back();
    } else if (!inside_body) {
      if (c == ';' && parentheses == 0) finish();
      else text += c;
    }
  }
  return found;
}

/// "std::vector<Tensor>" stays what it is, "data::Dataset" is a Dataset.
std::string last_name(const std::string& type) {
  const size_t colon = type.rfind(':');
  return type.find('<') != std::string::npos || colon == std::string::npos ? type : type.substr(colon + 1);
}

}  // namespace

std::set<std::string> nodiscard_types(const std::string& header) {
  static const std::regex pattern("(class|struct) \\[\\[nodiscard\\]\\] (\\w+)");
  std::set<std::string> types;
  const std::string text = without_comments(header, false);
  for (auto it = std::sregex_iterator(text.begin(), text.end(), pattern); it != std::sregex_iterator(); ++it)
    types.insert((*it)[2]);
  return types;
}

std::vector<std::string> discardable_functions(const std::string& header, const std::set<std::string>& types) {
  static const std::regex no_function("^(class|struct|enum|union|using|concept|static_assert|extern|friend)\\b.*");
  static const std::regex a_template("^template <[^<>]*(<[^<>]*>[^<>]*)*> ?(requires [^ ]+ )?");
  static const std::regex head("^((?:inline |constexpr |static )*)([^=]*?) ?(operator *[^\\s\\w(]+|\\w+) ?\\(");
  static const std::regex constant_reference("const [^,&]*&"), reference("(^|[^&])&([^&]|$)");
  std::vector<std::string> found;
  for (const std::string& declaration : declarations(header)) {
    std::string rest = std::regex_replace(declaration, a_template, "");
    if (declaration.find("[[") != std::string::npos || std::regex_match(rest, no_function)) continue;
    std::smatch match;
    if (!std::regex_search(rest, match, head)) continue;
    const std::string result = match[2], name = match[3], parameters = match.suffix();
    if (result.empty() || result == "void" || result.ends_with("&") || name.ends_with("_")) continue;
    if (std::regex_search(std::regex_replace(parameters, constant_reference, ""), reference)) continue;
    if (!types.contains(last_name(result))) found.push_back(declaration);
  }
  return found;
}

}  // namespace ditharos::tests
