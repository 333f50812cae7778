#pragma once
// The few pieces of JSON (RFC 8259) that our files consist of: strings, whole numbers, punctuation.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace ditharos {

/// Walks through JSON text. Every function skips white space first, and throws IoError, with the byte at which it
/// stands, when something else comes than what it was asked for.
class JsonScanner {
 public:
  /// `source` says in messages what the text is: "byte 7 of the header".
  explicit JsonScanner(std::string_view text, std::string source = "the header")
      : text_(text), source_(std::move(source)) {}

  /// Takes the character if it comes next.
  bool accept(char c);
  /// True if the character comes next.
  bool comes(char c);
  /// Takes the character, which must come next.
  void expect(char c);
  /// A string, its escapes resolved to UTF-8.
  std::string string();
  /// A whole number >= 0 without sign, fraction or exponent that fits 64 bits.
  uint64_t number();
  /// Passes over one value of any kind, arrays and objects with all that they hold.
  void skip_value();
  /// Only white space may be left.
  void expect_end();

  [[noreturn]] void refuse(const std::string& what) const;

 private:
  void skip_space();
  void skip_digits();
  void skip_scalar();
  uint32_t hex4();
  void append_escape(std::string& out);

  std::string_view text_;
  std::string source_;
  size_t at_ = 0;
};

/// `text` as a JSON string with its quotation marks.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace ditharos
