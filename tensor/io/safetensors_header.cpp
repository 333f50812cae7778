#include <ditharos/tensor/io/safetensors_header.h>

#include <algorithm>
#include <utility>

#include <ditharos/tensor/io/json.h>

namespace ditharos::safetensors {
namespace {

constexpr struct {
  const char* name;
  DType dtype;
} dtype_names[] = {{"F32", DType::f32}, {"F64", DType::f64}, {"BF16", DType::bf16}, {"F16", DType::f16},
                   {"I64", DType::i64}, {"I32", DType::i32}, {"U8", DType::u8},     {"BOOL", DType::boolean}};

DType parse_dtype(const std::string& text, const std::string& tensor) {
  for (const auto& known : dtype_names)
    if (text == known.name) return known.dtype;
  check<DTypeError>(!text.starts_with("F8_"), "tensor \"", tensor, "\" is of dtype ", text,
                    ", an 8-bit float, which cannot be read; convert the file to BF16 or F32");
  fail<IoError>("tensor \"", tensor, "\" is of dtype \"", text,
                "\"; F32, F64, BF16, F16, I64, I32, U8 and BOOL can be read");
}

[[noreturn]] void refuse_twice(const std::string& key) { fail<IoError>("the key \"", key, "\" comes twice"); }

/// Takes the header apart as it is read: {"__metadata__": {KEY: TEXT, ...}, NAME: {"dtype": TEXT, "shape": [SIZE, ...],
/// "data_offsets": [BEGIN, END]}, ...}.
class HeaderReader : public JsonHandler {
 public:
  explicit HeaderReader(Header& header) : header_(header) {}

  void begin_object() override {
    if (at_ == Level::outside) {
      at_ = Level::header;
    } else if (at_ == Level::header) {
      at_ = key_ == metadata_key ? Level::metadata : Level::entry;
      if (at_ == Level::metadata && std::exchange(has_metadata_, true)) refuse_twice(key_);
      if (at_ == Level::entry) begin_entry();
    } else {
      JsonHandler::begin_object();
    }
  }
  void end_object() override {
    if (at_ == Level::entry)
      check<IoError>(has_dtype_ && has_shape_ && offsets_ == 2, "tensor \"", entry_.name,
                     "\" lacks one of dtype, shape and data_offsets");
    if (at_ == Level::entry) header_.entries.push_back(std::move(entry_));
    at_ = at_ == Level::header ? Level::outside : Level::header;
  }
  void key(std::string&& name) override {
    key_ = std::move(name);
    check<IoError>(at_ != Level::entry || key_ == "dtype" || key_ == "shape" || key_ == "data_offsets", "tensor \"",
                   entry_.name, "\" has an unknown field \"", key_, "\"");
  }

  void string(std::string&& value) override {
    if (at_ == Level::metadata) {
      if (header_.metadata.contains(key_)) refuse_twice(key_);
      check<IoError>(header_.metadata.size() < max_entries, "it has more than ", max_entries, " entries of metadata");
      header_.metadata.emplace(key_, std::move(value));
    } else {
      check_member("dtype", "a string");
      if (std::exchange(has_dtype_, true)) refuse_twice(key_);
      entry_.dtype = parse_dtype(value, entry_.name);
    }
  }

  void begin_array() override {
    check<IoError>(at_ == Level::entry && !in_array_ && (key_ == "shape" || key_ == "data_offsets"), where(),
                   "there is an array where it does not belong");
    if (key_ == "shape" ? std::exchange(has_shape_, true) : offsets_ > 0) refuse_twice(key_);
    in_array_ = true;
  }
  void end_array() override {
    check<IoError>(key_ == "shape" || offsets_ == 2, where(), "data_offsets are two numbers");
    in_array_ = false;
  }
  void whole_number(uint64_t value) override {
    check<IoError>(in_array_, where(), "there is a number where it does not belong");
    if (key_ == "shape") {
      check<IoError>(value <= (uint64_t{1} << 62), where(), "a size is too large");
      check<IoError>(entry_.shape.rank() < Shape::max_rank, where(), "a shape has more than 8 dimensions");
      entry_.shape.push_back(static_cast<int64_t>(value));
    } else {
      check<IoError>(offsets_ < 2, where(), "data_offsets are two numbers");
      (offsets_++ == 0 ? entry_.begin : entry_.end) = value;
    }
  }
  void other(const std::string& text) override {
    fail<IoError>(where(), in_array_ ? "expected a whole number, got " : "expected another value than ", text);
  }

 private:
  enum class Level { outside, header, metadata, entry };

  void begin_entry() {
    check<IoError>(header_.entries.size() < max_entries, "it has more than ", max_entries, " tensors");
    entry_ = {};
    entry_.name = std::move(key_);  // read no more: the next key takes its place
    has_dtype_ = has_shape_ = in_array_ = false;
    offsets_ = 0;
  }
  /// The value belongs to the entry's member of this name.
  void check_member(const char* name, const char* what) const {
    check<IoError>(at_ == Level::entry, "there is ", what, " where it does not belong");
    check<IoError>(!in_array_ && key_ == name, where(), "\"", key_, "\" cannot be ", what);
  }
  std::string where() const { return at_ == Level::entry ? "tensor \"" + entry_.name + "\": " : std::string(); }

  Header& header_;
  Level at_ = Level::outside;
  Entry entry_;
  std::string key_;
  bool has_metadata_ = false, has_dtype_ = false, has_shape_ = false, in_array_ = false;
  int offsets_ = 0;  // read so far
};

/// Refuses two tensors of one name.
void check_names(const std::vector<Entry>& entries) {
  std::vector<const std::string*> names;
  for (const Entry& entry : entries) names.push_back(&entry.name);
  std::sort(names.begin(), names.end(), [](const auto* a, const auto* b) { return *a < *b; });
  const auto same = [](const auto* a, const auto* b) { return *a == *b; };
  const auto twice = std::adjacent_find(names.begin(), names.end(), same);
  if (twice != names.end()) refuse_twice(**twice);
}

/// Bytes of the elements. Refuses a shape whose sizes, those that are 0 left out, multiply to more than 2^62 bytes.
uint64_t bytes_of(const Entry& entry) {
  constexpr auto limit = static_cast<unsigned __int128>(1) << 62;
  unsigned __int128 bytes = size_of(entry.dtype);
  bool empty = false;
  for (int64_t size : entry.shape) {
    empty |= size == 0;
    if (size != 0) bytes *= static_cast<uint64_t>(size);
    check<IoError>(bytes <= limit, "tensor \"", entry.name, "\" of shape ", entry.shape, " is larger than any file");
  }
  return empty ? 0 : static_cast<uint64_t>(bytes);
}

}  // namespace

Header parse_header(std::string_view text, uint64_t data_size) {
  check<IoError>(!text.empty() && text.front() == '{', "the header does not begin with '{'");
  Header header;
  HeaderReader reader(header);
  read_json(text, "the header", reader);
  check_names(header.entries);

  std::sort(header.entries.begin(), header.entries.end(),
            [](const Entry& a, const Entry& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
  uint64_t at = 0;
  for (const Entry& entry : header.entries) {
    check<IoError>(entry.begin == at && entry.end >= entry.begin, "the data of tensor \"", entry.name, "\" lie at ",
                   entry.begin, " to ", entry.end, ", but the tensor before ends at ", at);
    const uint64_t bytes = bytes_of(entry);
    check<IoError>(entry.end - entry.begin == bytes, "tensor \"", entry.name, "\" of shape ", entry.shape,
                   " and dtype ", entry.dtype, " needs ", bytes, " bytes, but its offsets span ",
                   entry.end - entry.begin);
    at = entry.end;
  }
  check<IoError>(at == data_size, "the tensors end at byte ", at, " of the data, but the file holds ", data_size,
                 " bytes of it");
  return header;
}

std::string print_header(const Header& header) {
  std::string text = "{";
  const auto member = [&](const std::string& key) {
    if (text.back() != '{') text += ",";
    text += json_string(key) + ":";
  };
  if (!header.metadata.empty()) {
    member(metadata_key);
    text += "{";
    for (const auto& [key, value] : header.metadata) {
      member(key);
      text += json_string(value);
    }
    text += "}";
  }
  for (const Entry& entry : header.entries) {
    member(entry.name);
    const auto* known = std::find_if(std::begin(dtype_names), std::end(dtype_names),
                                     [&](const auto& n) { return n.dtype == entry.dtype; });
    text += std::string("{\"dtype\":\"") + known->name + "\",\"shape\":" + to_text(entry.shape);
    text += ",\"data_offsets\":[" + std::to_string(entry.begin) + "," + std::to_string(entry.end) + "]}";
  }
  text += "}";
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace ditharos::safetensors
