#pragma once
// The few pieces of JSON (RFC 8259) that file headers consist of: strings, whole numbers, punctuation.
#include <cstdint>
#include <string>
#include <string_view>

namespace ditharos {

/// Walks through JSON text. Every function skips white space first, and throws IoError, with the byte at which it
/// stands, when something else comes than what it was asked for.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  /// Takes the character if it comes next.
  bool accept(char c);
  /// Takes the character, which must come next.
  void expect(char c);
  /// A string, its escapes resolved to UTF-8.
  std::string string();
  /// A whole number >= 0 without sign, fraction or exponent that fits 64 bits.
  uint64_t number();
  /// Only white space may be left.
  void expect_end();

  [[noreturn]] void refuse(const std::string& what) const;

 private:
  void skip_space();
  uint32_t hex4();
  void append_escape(std::string& out);

  std::string_view text_;
  size_t at_ = 0;
};

/// `text` as a JSON string with its quotation marks.
std::string json_string(std::string_view text);

}  // namespace ditharos
