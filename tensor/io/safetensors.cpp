#include <ditharos/tensor/io/safetensors.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <memory>
#include <utility>

#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/tensor/io/safetensors_header.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::safetensors {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian, and so must the machine be");

/// The elements of a contiguous tensor as bytes.
const void* bytes_of(const Tensor& x) {
  return visit_dtype(x.dtype(), [&](auto zero) { return static_cast<const void*>(x.data<decltype(zero)>()); });
}

/// The header for `tensors`: larger elements first, so that every tensor's data are aligned; then by name.
Header layout(const std::map<std::string, Tensor>& tensors, const std::map<std::string, std::string>& metadata) {
  check<ConfigError>(tensors.size() <= max_entries && metadata.size() <= max_entries,
                     "[safetensors] a file holds at most ", max_entries,
                     " tensors and as many entries of metadata, got ", tensors.size(), " and ", metadata.size());
  Header header;
  header.metadata = metadata;
  for (const auto& [key, value] : metadata)
    check<ConfigError>(is_utf8(key) && is_utf8(value), "[safetensors] the metadata \"", key, "\" is not UTF-8");
  for (const auto& [name, tensor] : tensors) {
    check<ConfigError>(is_utf8(name) && name != metadata_key, "[safetensors] \"", name, "\" cannot be a tensor's name");
    check<ConfigError>(tensor.defined(), "[safetensors] tensor \"", name, "\" is undefined");
    header.entries.push_back({name, tensor.dtype(), tensor.shape(), 0, 0});
  }
  std::stable_sort(header.entries.begin(), header.entries.end(),
                   [](const Entry& a, const Entry& b) { return size_of(a.dtype) > size_of(b.dtype); });
  uint64_t at = 0;
  for (Entry& entry : header.entries) {
    entry.begin = at;
    entry.end = at += uint64_t(numel(entry.shape)) * size_of(entry.dtype);
  }
  return header;
}

/// The checksum of what the header says: metadata, names, shapes.
uint32_t checksum_of(const Header& header) {
  std::string text;
  for (const auto& [key, value] : header.metadata)
    if (key != checksum_key) text.append(key).append(1, '\0').append(value).append(1, '\0');
  for (const Entry& entry : header.entries)
    text.append(entry.name).append(1, '\0').append(to_text(entry.shape)).append(1, '\0');
  return crc32c(text.data(), text.size());
}
uint32_t add_elements(uint32_t crc, const Tensor& contiguous) {
  return crc32c(bytes_of(contiguous), size_t(contiguous.numel()) * size_of(contiguous.dtype()), crc);
}
std::string checksum_text(uint32_t crc) {
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", crc);
  return digits;
}

/// Refuses the file in the name of its path.
template <class... Parts>
void check_file(bool ok, const InputFile& file, const Parts&... parts) {
  check<IoError>(ok, file.path(), " is no valid safetensors file: ", parts...);
}

Header read_header(const InputFile& file, uint64_t& data_start) {
  uint64_t length = 0;
  check_file(file.size() >= sizeof length, file, "it ends before its header");
  file.read(0, &length, sizeof length);
  check_file(length <= max_header, file, "a header of ", length, " bytes; the format allows ", max_header);
  check_file(length <= file.size() - sizeof length, file, "a header of ", length, " bytes in a file of ", file.size());
  std::string text(length, '\0');
  file.read(sizeof length, text.data(), length);
  data_start = sizeof length + length;
  try {
    return parse_header(text, file.size() - data_start);
  } catch (const IoError& e) {
    check_file(false, file, e.what());
    throw;
  } catch (const DTypeError& e) {
    fail<IoError>("cannot read ", file.path(), ": ", e.what());
  }
}

Tensor read_tensor(const InputFile& file, uint64_t data_start, const Entry& entry) {
  Tensor x(entry.shape, entry.dtype);
  if (entry.begin == entry.end) return x;
  visit_dtype(entry.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = x.mutable_data<T>();
    file.read(data_start + entry.begin, to, entry.end - entry.begin);
    if constexpr (std::is_same_v<T, bool>) {
      // Any other byte in a bool would be undefined behaviour wherever it is read.
      const auto* byte = reinterpret_cast<const unsigned char*>(to);
      for (int64_t i = 0; i < x.numel(); ++i)
        check_file(byte[i] <= 1, file, "tensor \"", entry.name, "\" is of dtype BOOL, but holds the byte ",
                   int(byte[i]));
    }
  });
  return x;
}

/// A view of the mapped file, or undefined where the elements must be copied: a bool that is neither 0 nor 1 would be
/// undefined behaviour whenever the file changes after it was checked.
Tensor mapped_tensor(const std::shared_ptr<char>& mapped, uint64_t data_start, const Entry& entry) {
  const uint64_t begin = data_start + entry.begin;
  if (!mapped || entry.dtype == DType::boolean || entry.begin == entry.end || begin % size_of(entry.dtype) != 0)
    return {};
  auto storage = std::make_shared<Storage>(mapped.get() + begin, size_t(entry.end - entry.begin), mapped);
  return Tensor(std::move(storage), entry.shape, contiguous_strides(entry.shape), 0, entry.dtype);
}

}  // namespace

void save(const std::string& path, const std::map<std::string, Tensor>& tensors,
          const std::map<std::string, std::string>& metadata) {
  Header header = layout(tensors, metadata);
  uint32_t crc = checksum_of(header);
  for (const Entry& entry : header.entries) crc = add_elements(crc, kernels::contiguous(tensors.at(entry.name)));
  header.metadata[checksum_key] = checksum_text(crc);
  const std::string text = print_header(header);
  check<ConfigError>(text.size() <= max_header, "[safetensors] names and metadata make a header of ", text.size(),
                     " bytes; the format allows ", max_header);
  AtomicFile file(path);
  const uint64_t length = text.size();
  file.write(&length, sizeof length);
  file.write(text.data(), text.size());
  for (const Entry& entry : header.entries) {
    if (entry.begin == entry.end) continue;
    const Tensor flat = kernels::contiguous(tensors.at(entry.name));
    file.write(bytes_of(flat), entry.end - entry.begin);
  }
  file.commit();
}

Contents load(const std::string& path, LoadMode mode) {
  const InputFile file(path);
  uint64_t data_start = 0;
  Header header = read_header(file, data_start);
  const std::shared_ptr<char> mapped = mode == LoadMode::map ? file.map() : nullptr;
  Contents contents;
  const auto expected = header.metadata.find(checksum_key);
  uint32_t crc = expected == header.metadata.end() ? 0 : checksum_of(header);
  for (const Entry& entry : header.entries) {
    Tensor tensor = mapped_tensor(mapped, data_start, entry);
    if (!tensor.defined()) tensor = read_tensor(file, data_start, entry);
    if (expected != header.metadata.end()) crc = add_elements(crc, tensor);
    contents.tensors.emplace(entry.name, tensor);
  }
  if (expected != header.metadata.end()) {
    check<IoError>(expected->second == checksum_text(crc), file.path(), " is damaged: its checksum ", expected->second,
                   " in the metadata (", checksum_key, ") does not fit its contents, whose checksum is ",
                   checksum_text(crc), "; a program that changes the contents must remove it");
    header.metadata.erase(expected);
  }
  contents.metadata = std::move(header.metadata);
  return contents;
}

Layout read_layout(const InputFile& file) {
  uint64_t data_start = 0;
  Header header = read_header(file, data_start);
  Layout layout;
  layout.metadata = std::move(header.metadata);
  for (Entry& entry : header.entries)
    layout.tensors[std::move(entry.name)] = {entry.dtype, entry.shape, data_start + entry.begin,
                                             entry.end - entry.begin};
  return layout;
}

}  // namespace ditharos::safetensors
