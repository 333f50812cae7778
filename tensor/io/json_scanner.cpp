#include <ditharos/tensor/io/json_scanner.h>

#include <algorithm>
#include <limits>

#include <ditharos/tensor/error.h>

namespace ditharos {
namespace {

void append_utf8(std::string& out, uint32_t code) {
  const auto tail = [&](int shift) { out.push_back(static_cast<char>(0x80 | ((code >> shift) & 0x3f))); };
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xc0 | (code >> 6)));
    tail(0);
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | (code >> 12)));
    tail(6), tail(0);
  } else {
    out.push_back(static_cast<char>(0xf0 | (code >> 18)));
    tail(12), tail(6), tail(0);
  }
}

}  // namespace

void JsonScanner::refuse(const std::string& what) const { fail<IoError>("byte ", at_, " of ", source_, ": ", what); }

void JsonScanner::skip_space() {
  const size_t next = text_.find_first_not_of(" \t\n\r", at_);
  at_ = next == std::string_view::npos ? text_.size() : next;
}

bool JsonScanner::comes(char c) {
  skip_space();
  return at_ < text_.size() && text_[at_] == c;
}

bool JsonScanner::accept(char c) {
  const bool taken = comes(c);
  at_ += taken;
  return taken;
}

void JsonScanner::expect(char c) {
  if (!accept(c)) refuse(std::string("expected '") + c + "'");
}

void JsonScanner::expect_end() {
  skip_space();
  if (at_ != text_.size()) refuse("expected nothing more");
}

uint64_t JsonScanner::number() {
  skip_space();
  const size_t start = at_;
  uint64_t value = 0;
  for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
    const uint64_t digit = static_cast<uint64_t>(text_[at_] - '0');
    if (value > (std::numeric_limits<uint64_t>::max() - digit) / 10) refuse("a number does not fit 64 bits");
    value = value * 10 + digit;
  }
  if (at_ == start) refuse("expected a whole number");
  if (at_ - start > 1 && text_[start] == '0') refuse("a number begins with 0");
  return value;
}

void JsonScanner::skip_digits() {
  const size_t start = at_;
  while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
  if (at_ == start) refuse("expected a value");
}

/// A string, a number, true, false or null.
void JsonScanner::skip_scalar() {
  if (comes('"')) {
    string();
    return;
  }
  for (const std::string_view word : {"true", "false", "null"}) {
    if (!text_.substr(at_).starts_with(word)) continue;
    at_ += word.size();
    return;
  }
  const auto take = [&](std::string_view one_of) {
    const bool there = at_ < text_.size() && one_of.find(text_[at_]) != std::string_view::npos;
    at_ += there;
    return there;
  };
  take("-");
  if (!take("0")) skip_digits();
  if (take(".")) skip_digits();
  if (take("eE")) {
    take("+-");
    skip_digits();
  }
}

void JsonScanner::skip_value() {
  std::string closing;  // of the arrays and objects that are open: no recursion, however deep they lie
  const auto skip_key = [&] {
    string();
    expect(':');
  };
  while (true) {
    if (accept('[')) {
      closing += ']';
      if (!comes(']')) continue;
    } else if (accept('{')) {
      closing += '}';
      if (!comes('}')) {
        skip_key();
        continue;
      }
    } else {
      skip_scalar();
    }
    while (!closing.empty() && accept(closing.back())) closing.pop_back();
    if (closing.empty()) return;
    expect(',');
    if (closing.back() == '}') skip_key();
  }
}

uint32_t JsonScanner::hex4() {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    value <<= 4;
    if (c >= '0' && c <= '9') value |= static_cast<uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f') value |= static_cast<uint32_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F') value |= static_cast<uint32_t>(c - 'A' + 10);
    else refuse("expected four hexadecimal digits");
  }
  return value;
}

/// What follows a backslash.
void JsonScanner::append_escape(std::string& out) {
  const char c = at_ < text_.size() ? text_[at_++] : '\0';
  constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  if (const size_t i = letters.find(c); i != std::string_view::npos) {
    out.push_back(meanings[i]);
    return;
  }
  if (c != 'u') refuse("unknown escape in a string");
  uint32_t code = hex4();
  if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_, 2) == "\\u") {  // the first half of a pair
    at_ += 2;
    const uint32_t low = hex4();
    if (low < 0xdc00 || low > 0xdfff) refuse("half of a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  } else if (code >= 0xd800 && code <= 0xdfff) {
    refuse("half of a surrogate pair");
  }
  append_utf8(out, code);
}

std::string JsonScanner::string() {
  expect('"');
  std::string out;
  // Up to the next quotation mark at least: a text that grows by doubling would take twice its size for a moment.
  out.reserve(std::min(text_.find('"', at_), text_.size()) - at_);
  while (true) {
    if (at_ == text_.size()) refuse("a string does not end");
    const char c = text_[at_++];
    if (c == '"') return out;
    if (static_cast<unsigned char>(c) < 0x20) refuse("a control character in a string");
    if (c == '\\') append_escape(out);
    else out.push_back(c);
  }
}

std::string json_string(std::string_view text) {
  constexpr const char* hex = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out.append({'\\', c});
    else if (code < 0x20) out.append({'\\', 'u', '0', '0', hex[code >> 4], hex[code & 15]});
    else out.push_back(c);
  }
  return out + "\"";
}

}  // namespace ditharos
