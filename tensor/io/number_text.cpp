#include <ditharos/tensor/io/number_text.h>

#include <charconv>
#include <cmath>

#include <ditharos/tensor/error.h>

namespace ditharos {
namespace {

std::string written(double x, std::chars_format format, int precision) {
  char buffer[512];  // "%f" of the largest double has 309 digits before the point
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, x, format, precision);
  check(error == std::errc(), "[number_text] ", precision, " digits are too many");
  return std::string(buffer, end);
}

}  // namespace

std::string fixed_text(double x, int decimals) { return written(x, std::chars_format::fixed, decimals); }
std::string general_text(double x, int digits) { return written(x, std::chars_format::general, digits); }
std::string scientific_text(double x, int decimals) { return written(x, std::chars_format::scientific, decimals); }

std::string shortest(double x) {
  if (std::isnan(x)) return "nan";
  if (std::isinf(x)) return x < 0 ? "-inf" : "inf";
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, x).ptr;
  std::string text(buffer, end);
  // "1" would read back as an integer.
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string right_aligned(const std::string& text, size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}
std::string left_aligned(const std::string& text, size_t width) {
  return text.size() < width ? text + std::string(width - text.size(), ' ') : text;
}

namespace detail {

std::string message_number(double x) { return fixed_text(x, 6); }

}  // namespace detail
}  // namespace ditharos
