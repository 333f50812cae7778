#pragma once
// Archives of torch.save made byte by byte, also damaged and malicious ones.
#include <zlib.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace ditharos::tests {

inline std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 255);
  return text;
}

/// One entry of a zip archive. What the archive says of it may differ from what it is.
struct ZipPart {
  std::string name = {}, data = {};  ///< the data as they are stored
  uint64_t size = ~uint64_t{0};      ///< uncompressed; ~0: that of the data
  int method = 0;                    ///< 0 stored, 8 deflated
  int flags = 0;                     ///< 1: encrypted
  uint32_t crc = 0;                  ///< 0: that of the data
  int same_data_as = -1;             ///< the part whose data this one uses
};

inline std::string zip_of(const std::vector<ZipPart>& parts) {
  std::string bytes, list;
  std::vector<uint64_t> offsets;
  for (const ZipPart& part : parts) {
    const ZipPart& source = part.same_data_as < 0 ? part : parts[size_t(part.same_data_as)];
    const auto* data = reinterpret_cast<const Bytef*>(source.data.data());
    const uint64_t crc = part.crc ? part.crc : ::crc32(0, data, uInt(source.data.size()));
    const uint64_t size = part.size == ~uint64_t{0} ? source.data.size() : part.size;
    const std::string common = little_endian(20, 2) + little_endian(uint64_t(part.flags), 2) +
                               little_endian(uint64_t(part.method), 2) + little_endian(0, 4) + little_endian(crc, 4) +
                               little_endian(source.data.size(), 4) + little_endian(size, 4) +
                               little_endian(part.name.size(), 2) + little_endian(0, 2);
    offsets.push_back(part.same_data_as < 0 ? bytes.size() : offsets[size_t(part.same_data_as)]);
    if (part.same_data_as < 0) bytes += "PK\x03\x04" + common + part.name + part.data;
    list += "PK\x01\x02" + little_endian(20, 2) + common + little_endian(0, 2) + little_endian(0, 2) +
            little_endian(0, 2) + little_endian(0, 4) + little_endian(offsets.back(), 4) + part.name;
  }
  const uint64_t count = parts.size(), start = bytes.size();
  return bytes + list + "PK\x05\x06" + little_endian(0, 4) + little_endian(count, 2) + little_endian(count, 2) +
         little_endian(list.size(), 4) + little_endian(start, 4) + little_endian(0, 2);
}

/// Pickles, put together from the text of their operations.
namespace pk {

inline std::string text(const std::string& s) { return "X" + little_endian(s.size(), 4) + s; }
inline std::string number(int64_t n) { return "\x8a\x08" + little_endian(uint64_t(n), 8); }
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += part;
  return all;
}
inline std::string tuple(const std::vector<std::string>& items) { return "(" + joined(items) + "t"; }
inline std::string numbers(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (const int64_t value : values) items.push_back(number(value));
  return tuple(items);
}
/// Keys and values in turn.
inline std::string dict(const std::vector<std::string>& items) { return "}(" + joined(items) + "u"; }
inline std::string call(const std::string& function, const std::string& arguments) {
  return function + arguments + "R";
}

/// What describes a tensor, and how it is described in a pickle.
struct TensorText {
  std::string key = "0";
  int64_t elements = 6;
  int64_t offset = 0;
  std::vector<int64_t> shape = {2, 3}, strides = {3, 1};
  std::string type = "FloatStorage";

  std::string storage() const {
    return tuple({text("storage"), global("torch", type), text(key), text("cpu"), number(elements)}) + "Q";
  }
  std::string made() const {
    return call(global("torch._utils", "_rebuild_tensor_v2"),
                tuple({storage(), number(offset), numbers(shape), numbers(strides), "\x89", "}"}));
  }
};
inline std::string tensor(const TensorText& of = {}) { return of.made(); }
inline std::string pickle(const std::string& body) { return "\x80\x02" + body + "."; }

}  // namespace pk

/// An archive with this pickle and the records of storages, by their keys.
inline std::string torch_archive(const std::string& pickle, const std::vector<ZipPart>& records = {}) {
  std::vector<ZipPart> parts = {{.name = "archive/data.pkl", .data = pickle}};
  for (ZipPart part : records) {
    part.name = "archive/data/" + part.name;
    parts.push_back(std::move(part));
  }
  return zip_of(parts);
}

}  // namespace ditharos::tests
