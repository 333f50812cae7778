#include <ditharos/tensor/io/numpy/npy_header.h>

#include <array>

#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos {
namespace {

constexpr std::string_view magic("\x93NUMPY", 6);

struct TypeName {
  std::string_view name;  // without the byte order
  DType dtype;
};
constexpr std::array<TypeName, 7> type_names{{{"f4", DType::f32},
                                              {"f8", DType::f64},
                                              {"f2", DType::f16},
                                              {"i8", DType::i64},
                                              {"i4", DType::i32},
                                              {"u1", DType::u8},
                                              {"b1", DType::boolean}}};

/// The text of a Python literal, from front to back.
class Literal {
 public:
  explicit Literal(std::string_view text) : text_(text) {}

  /// The next character that is no white space; 0 at the end.
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c || c == '\0') return false;
    ++at_;
    return true;
  }
  void expect(char c) { check<IoError>(take(c), "its header has no '", c, "' at byte ", at_); }
  void expect_end() {
    check<IoError>(peek() == '\0' && at_ == text_.size(), "its header goes on behind the dict at byte ", at_);
  }

  std::string_view string() {
    const char quotes = peek();
    check<IoError>(quotes == '\'' || quotes == '"', "its header has no string at byte ", at_);
    const size_t end = text_.find(quotes, at_ + 1);
    check<IoError>(end != std::string_view::npos, "its header has a string without an end at byte ", at_);
    const std::string_view value = text_.substr(at_ + 1, end - at_ - 1);
    check<IoError>(value.find('\\') == std::string_view::npos, "its header has a string with an escape at byte ", at_);
    at_ = end + 1;
    return value;
  }
  bool boolean() {
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (peek() != word[0] || text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return value;
    }
    fail<IoError>("its fortran_order is neither True nor False");
  }
  int64_t size() {
    constexpr size_t most_digits = 18;  // below 2^63
    size_t digits = 0;
    int64_t value = 0;
    for (peek(); at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, ++digits) {
      check<IoError>(digits < most_digits, "its shape has a size of more than ", most_digits, " digits");
      value = 10 * value + (text_[at_] - '0');
    }
    check<IoError>(digits > 0, "its shape has no number at byte ", at_, " of the header");
    return value;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

/// "<f4": byte order, kind, bytes.
void parse_type(Literal& literal, NpyHeader& header) {
  check<IoError>(literal.peek() != '[',
                 "it is a structured array, with named fields; save each field as an array of its own");
  const std::string_view text = literal.string();
  check<IoError>(!text.ends_with("O"), "it holds Python objects, whose pickle is not read; save an array of numbers");
  const char order = text.empty() ? '\0' : text[0];
  for (const TypeName& type : type_names) {
    if (text.empty() || text.substr(1) != type.name) continue;
    const bool one_byte = size_of(type.dtype) == 1;
    if (order != '<' && order != '>' && !(order == '|' && one_byte)) break;
    header.dtype = type.dtype;
    header.big_endian = order == '>' && !one_byte;
    return;
  }
  fail<IoError>("its elements are of NumPy's type ", quote(text),
                "; f4, f8, f2, i8, i4, u1 and b1 are read: convert it with array.astype(...)");
}

void parse_shape(Literal& literal, Shape& shape) {
  literal.expect('(');
  bool comma = true;
  while (!literal.take(')')) {
    check<IoError>(comma, "its shape has no comma between two sizes");
    check<IoError>(shape.rank() < Shape::max_rank, "it has more than ", Shape::max_rank, " axes");
    shape.push_back(literal.size());
    comma = literal.take(',');
  }
  check<IoError>(comma || shape.rank() != 1, "its shape is a number in parentheses, not a tuple");
}

}  // namespace

NpyPrefix parse_npy_prefix(std::string_view bytes) {
  check<IoError>(bytes.substr(0, magic.size()) == magic.substr(0, bytes.size()) && !bytes.empty(),
                 bytes.empty() ? "it is empty" : "it does not begin with the bytes \\x93NUMPY of an array");
  check<IoError>(bytes.size() >= 8, "it ends after ", bytes.size(), " of the bytes in front of its header");
  const int version = static_cast<unsigned char>(bytes[6]), minor = static_cast<unsigned char>(bytes[7]);
  check<IoError>(version >= 1 && version <= 3 && minor == 0, "it is of version ", version, ".", minor,
                 " of the format; 1.0, 2.0 and 3.0 are read");
  NpyPrefix prefix{.prefix_size = version == 1 ? uint64_t{10} : max_npy_prefix};
  check<IoError>(bytes.size() >= prefix.prefix_size, "it ends after ", bytes.size(), " of the ", prefix.prefix_size,
                 " bytes in front of its header");
  for (uint64_t i = prefix.prefix_size; i > 8; --i)
    prefix.text_size = prefix.text_size << 8 | static_cast<unsigned char>(bytes[i - 1]);
  check<IoError>(prefix.text_size <= max_npy_header, "its header claims ", prefix.text_size, " bytes; at most ",
                 max_npy_header, " are read");
  return prefix;
}

NpyHeader parse_npy_header(std::string_view text) {
  NpyHeader header;
  Literal literal(text);
  bool descr = false, order = false, shape = false;
  const auto once = [](bool& seen, std::string_view key) {
    check<IoError>(!seen, "its header has the key ", quote(key), " twice");
    seen = true;
  };
  literal.expect('{');
  bool comma = true;
  while (!literal.take('}')) {
    check<IoError>(comma, "its header has no comma between two keys");
    const std::string_view key = literal.string();
    literal.expect(':');
    if (key == "descr") once(descr, key), parse_type(literal, header);
    else if (key == "fortran_order") once(order, key), header.fortran_order = literal.boolean();
    else if (key == "shape") once(shape, key), parse_shape(literal, header.shape);
    else fail<IoError>("its header has the key ", quote(key), "; it should have descr, fortran_order and shape alone");
    comma = literal.take(',');
  }
  literal.expect_end();
  check<IoError>(descr && order && shape, "its header has no ", !descr ? "descr" : !order ? "fortran_order" : "shape");
  return header;
}

std::string npy_header_bytes(DType dtype, const Shape& shape) {
  std::string descr;
  for (const TypeName& type : type_names) {
    if (type.dtype == dtype) descr = (size_of(dtype) == 1 ? "|" : "<") + std::string(type.name);
  }
  check<DTypeError>(!descr.empty(), "NumPy has no type for ", dtype, "; convert with to(x, DType::f32)");
  std::string sizes;
  for (const int64_t size : shape) sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
  if (shape.rank() == 1) sizes += ",";
  std::string text = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + sizes + "), }";
  constexpr size_t alignment = 64, prefix_size = 10;
  text.append(alignment - 1 - (prefix_size + text.size()) % alignment, ' ').push_back('\n');
  const char length[] = {static_cast<char>(text.size() & 255), static_cast<char>(text.size() >> 8)};
  return std::string(magic) + '\1' + '\0' + std::string(length, 2) + text;
}

}  // namespace ditharos
