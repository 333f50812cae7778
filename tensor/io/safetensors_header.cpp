#include <ditharos/tensor/io/safetensors_header.h>

#include <algorithm>
#include <set>

#include <ditharos/tensor/io/json_scanner.h>
#include <ditharos/tensor/quoted_text.h>

namespace ditharos::safetensors {
namespace {

constexpr struct {
  const char* name;
  DType dtype;
} dtype_names[] = {
    {"F32", DType::f32}, {"F64", DType::f64}, {"BF16", DType::bf16},   {"I64", DType::i64},
    {"I32", DType::i32}, {"U8", DType::u8},   {"BOOL", DType::boolean}};

DType parse_dtype(const std::string& text, const std::string& tensor) {
  for (const auto& known : dtype_names)
    if (text == known.name) return known.dtype;
  fail<IoError>("tensor \"", tensor, "\" is of dtype \"", text,
                "\"; F32, F64, BF16, I64, I32, U8 and BOOL can be read");
}

[[noreturn]] void refuse_twice(const JsonScanner& json, const std::string& key) {
  json.refuse("the key \"" + key + "\" comes twice");
}

/// Members of a JSON object: calls member(key) with the scanner before each value. That no key comes twice is the
/// caller's to check, who keeps the keys anyway.
template <class F>
void each_member(JsonScanner& json, const F& member) {
  json.expect('{');
  if (json.accept('}')) return;
  do {
    std::string key = json.string();
    if (!is_utf8(key)) json.refuse("a key is not UTF-8");
    json.expect(':');
    member(std::move(key));
  } while (json.accept(','));
  json.expect('}');
}

Shape parse_shape(JsonScanner& json) {
  Shape shape;
  json.expect('[');
  if (json.accept(']')) return shape;
  do {
    const uint64_t size = json.number();
    if (size > (uint64_t{1} << 62)) json.refuse("a size is too large");
    if (shape.rank() == Shape::max_rank) json.refuse("a shape has more than 8 dimensions");
    shape.push_back(static_cast<int64_t>(size));
  } while (json.accept(','));
  json.expect(']');
  return shape;
}

Entry parse_entry(JsonScanner& json, std::string entry_name) {
  Entry entry;
  entry.name = std::move(entry_name);
  const std::string& name = entry.name;
  std::set<std::string> members;
  each_member(json, [&](const std::string& key) {
    if (!members.insert(key).second) refuse_twice(json, key);
    if (key == "dtype") {
      entry.dtype = parse_dtype(json.string(), name);
    } else if (key == "shape") {
      entry.shape = parse_shape(json);
    } else if (key == "data_offsets") {
      json.expect('[');
      entry.begin = json.number();
      json.expect(',');
      entry.end = json.number();
      json.expect(']');
    } else {
      json.refuse("tensor \"" + name + "\" has an unknown field \"" + key + "\"");
    }
  });
  if (members.size() != 3) json.refuse("tensor \"" + name + "\" lacks one of dtype, shape and data_offsets");
  return entry;
}

/// Refuses two tensors of one name.
void check_names(const JsonScanner& json, const std::vector<Entry>& entries) {
  std::vector<const std::string*> names;
  for (const Entry& entry : entries) names.push_back(&entry.name);
  std::sort(names.begin(), names.end(), [](const auto* a, const auto* b) { return *a < *b; });
  const auto same = [](const auto* a, const auto* b) { return *a == *b; };
  const auto twice = std::adjacent_find(names.begin(), names.end(), same);
  if (twice != names.end()) refuse_twice(json, **twice);
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
  const std::string more_than = "it has more than " + std::to_string(max_entries);
  Header header;
  JsonScanner json(text);
  bool has_metadata = false;
  each_member(json, [&](std::string name) {
    if (name != metadata_key) {
      if (header.entries.size() == max_entries) json.refuse(more_than + " tensors");
      header.entries.push_back(parse_entry(json, std::move(name)));
      return;
    }
    if (has_metadata) refuse_twice(json, name);
    has_metadata = true;
    each_member(json, [&](std::string key) {
      std::string value = json.string();
      if (!is_utf8(value)) json.refuse("the metadata \"" + key + "\" is not UTF-8");
      if (header.metadata.contains(key)) refuse_twice(json, key);
      if (header.metadata.size() == max_entries) json.refuse(more_than + " entries of metadata");
      header.metadata.emplace(std::move(key), std::move(value));
    });
  });
  json.expect_end();
  check_names(json, header.entries);

  std::sort(header.entries.begin(), header.entries.end(), [](const Entry& a, const Entry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
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
