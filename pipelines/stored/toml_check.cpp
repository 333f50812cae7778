#include <ditharos/pipelines/stored/toml_check.h>

#include <algorithm>
#include <string_view>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos::pipelines {
namespace {

bool is_key_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '"' || c == '\'';
}

class Scanner {
 public:
  Scanner(std::string_view text, const std::string& source) : text_(text), source_(source) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = begin_of_line_ = 3;  // a byte order mark
  }

  void check() {
    bool line_begins = true;  // only spaces so far in this line; false within arrays
    int depth = 0;            // of nested brackets
    char last = '\n';         // the last character that is no space
    while (!at_end()) {
      const char c = peek();
      if (c == '#') {
        skip_comment();
      } else if (c == '"' || c == '\'') {
        if (std::string_view("\n=[{,.").find(last) == std::string_view::npos) refuse("unexpected ", shown());
        skip_string(c);
        last = c;
        line_begins = false;
      } else if (c == '[' && line_begins && depth == 0) {
        check_header();
        last = '[';
        line_begins = false;
      } else if (c == '\n') {
        advance();
        last = '\n';
        line_begins = true;
      } else {
        check_plain();
        if (c == '[' || c == '{') ++depth;
        if (c == ']' || c == '}') depth = std::max(0, depth - 1);
        if (c != ' ' && c != '\t' && c != '\r') {
          line_begins = false;
          last = c;
        }
        advance();
      }
    }
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return text_[at_]; }
  bool follows(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  void advance() {
    if (text_[at_++] != '\n') return;
    ++line_;
    begin_of_line_ = at_;
  }
  void skip_space() {
    while (!at_end() && (peek() == ' ' || peek() == '\t')) advance();
  }
  void skip_comment() {
    while (!at_end() && peek() != '\n') advance();
  }

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    // Columns count characters: bytes that are no continuation bytes of UTF-8.
    const std::string_view before = text_.substr(begin_of_line_, at_ - begin_of_line_);
    const auto column = std::count_if(before.begin(), before.end(), [](char c) { return (c & 0xC0) != 0x80; });
    fail<ConfigError>(source_, ":", line_, ":", column + 1, ": ", parts...);
  }
  /// The character that begins here, for a message.
  std::string shown() const {
    size_t n = 1;
    while (n < 4 && at_ + n < text_.size() && (text_[at_ + n] & 0xC0) == 0x80) ++n;
    return quote(text_.substr(at_, n));
  }

  void check_plain() const {
    const auto byte = static_cast<unsigned char>(peek());
    if (byte == ':') refuse("unexpected ", shown(), ": no setting is a time, and texts stand in quotes");
    const bool space = byte == '\t' || byte == '\r';
    if (byte >= 0x7F || (byte < 0x20 && !space))
      refuse("unexpected ", shown(), ": outside of quotes only letters of ASCII, digits and signs are allowed");
  }

  /// From the opening bracket to the beginning of the key; the library checks the rest.
  void check_header() {
    advance();
    skip_space();
    if (!at_end() && peek() == '[') advance();
    skip_space();
    if (at_end() || peek() == ']' || is_key_start(peek())) return;
    refuse("expected the name of a section behind '[', not ",
           peek() == '\n' || peek() == '\r' ? "the end of the line" : shown());
  }

  void skip_string(char quotation) {
    const std::string thrice(3, quotation);
    const bool lines = follows(thrice);
    for (size_t i = 0; i < (lines ? 3 : 1); ++i) advance();
    while (!at_end()) {
      if (!lines && peek() == '\n') return;  // it does not end: the library says so
      if (lines ? follows(thrice) : peek() == quotation) {
        for (size_t i = 0; i < (lines ? 3 : 1); ++i) advance();
        while (lines && !at_end() && peek() == quotation) advance();  // up to two belong to the text
        return;
      }
      if (quotation == '"' && peek() == '\\') advance();
      if (!at_end()) advance();
    }
  }

  std::string_view text_;
  const std::string& source_;
  size_t at_ = 0, begin_of_line_ = 0;
  int64_t line_ = 1;
};

}  // namespace

void check_toml(const std::string& text, const std::string& source) { Scanner(text, source).check(); }

}  // namespace ditharos::pipelines
