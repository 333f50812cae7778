#include <ditharos/data/text/unicode.h>

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <ditharos/tensor/error.h>

namespace ditharos::data {
namespace {

const utf8proc_uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

/// Normalisation form C of well-formed UTF-8, with the case folded on request.
std::string composed(std::string_view text, Case letters) {
  int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
  if (letters == Case::folded) options |= UTF8PROC_CASEFOLD;
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(bytes_of(text), static_cast<utf8proc_ssize_t>(text.size()), &result,
                                               static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, &std::free);
  check<Error>(length >= 0, "[unicode] utf8proc: ", utf8proc_errmsg(length));
  return {reinterpret_cast<const char*>(result), static_cast<size_t>(length)};
}

/// Appends the first character of `text`, as ASCII where there is an equivalent.
void append_plain(std::string& out, std::string_view text, const Character& c) {
  switch (c.code) {
    case 0x2018:
    case 0x2019:
    case 0x201a:
    case 0x201b:
    case 0x02bc:
    case 0x2032: out += '\''; return;
    case 0x201c:
    case 0x201d:
    case 0x201e:
    case 0x201f:
    case 0x00ab:
    case 0x00bb:
    case 0x2033: out += '"'; return;
    case 0x2010:
    case 0x2011:
    case 0x2212: out += '-'; return;
    case 0x2026: out += "..."; return;
    case 0x00ad:
    case 0x2060:
    case 0xfeff: return;
    case 0x0085:
    case 0x200b: out += ' '; return;
    default: break;
  }
  const utf8proc_category_t category = c.code < 128 ? UTF8PROC_CATEGORY_CN : utf8proc_category(c.code);
  const bool blank =
      category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
  if (blank) out += ' ';
  else out.append(text.substr(0, c.length));
}

/// The number of bytes at the beginning that are well-formed UTF-8.
size_t well_formed(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    const Character c = first_character(text.substr(length));
    if (c.code < 0) break;
    length += c.length;
  }
  return length;
}

std::string normalized_well_formed(std::string_view text, Case letters) {
  const std::string whole = composed(text, letters);
  std::string out;
  for (std::string_view left = whole; !left.empty();) {
    const Character c = first_character(left);
    append_plain(out, left, c);
    left.remove_prefix(c.length);
  }
  return out;
}

}  // namespace

Character first_character(std::string_view text) {
  check<Error>(!text.empty(), "[unicode] an empty text has no first character");
  utf8proc_int32_t code = -1;
  const utf8proc_ssize_t length = utf8proc_iterate(bytes_of(text), static_cast<utf8proc_ssize_t>(text.size()), &code);
  if (length <= 0) return {-1, 1};
  return {code, static_cast<size_t>(length)};
}

std::string normalized(std::string_view text, Case letters) {
  std::string out;
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 128; })) {
    out = text;
    if (letters == Case::folded) std::transform(out.begin(), out.end(), out.begin(), ascii_lower);
    return out;
  }
  while (!text.empty()) {
    const size_t length = well_formed(text);
    if (length > 0) out += normalized_well_formed(text.substr(0, length), letters);
    text.remove_prefix(length);
    if (text.empty()) break;
    out += text[0];
    text.remove_prefix(1);
  }
  return out;
}

bool is_punctuation(int32_t code) {
  if (code < 0) return false;
  const utf8proc_category_t category = utf8proc_category(code);
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool has_no_width(int32_t code) {
  if (code < 128) return false;
  const utf8proc_category_t category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME || category == UTF8PROC_CATEGORY_CF;
}

}  // namespace ditharos::data
