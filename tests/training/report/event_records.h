#pragma once
// A reader of TensorBoard's event files that shares no code with the writer: records by their definition, a CRC bit by
// bit, and the fields of a protocol buffer one after the other.
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <ditharos/tensor/error.h>

namespace ditharos::tests {

/// A field of a protocol buffer.
struct WireField {
  uint32_t number = 0, type = 0;  // type 0: varint, 1: 64 bits, 2: bytes, 5: 32 bits
  uint64_t value = 0;
  std::string_view bytes = {};
};

inline uint64_t little_endian(std::string_view bytes, size_t n) {
  check(bytes.size() >= n, "cut");
  uint64_t value = 0;
  for (size_t i = n; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

inline std::vector<WireField> wire_fields(std::string_view bytes) {
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      check(!bytes.empty() && shift < 64, "cut varint");
      const auto byte = static_cast<unsigned char>(bytes[0]);
      bytes.remove_prefix(1);
      value |= uint64_t(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  std::vector<WireField> fields;
  while (!bytes.empty()) {
    const uint64_t key = varint();
    WireField field{.number = uint32_t(key >> 3), .type = uint32_t(key & 7)};
    if (field.type == 0) {
      field.value = varint();
    } else {
      check(field.type == 1 || field.type == 2 || field.type == 5, "wire type ", field.type);
      const size_t size = field.type == 2 ? size_t(varint()) : field.type == 1 ? 8 : 4;
      check(size <= bytes.size(), "cut field");
      if (field.type == 2) field.bytes = bytes.substr(0, size);
      else field.value = little_endian(bytes, size);
      bytes.remove_prefix(size);
    }
    fields.push_back(field);
  }
  return fields;
}

inline uint32_t masked_crc_bit_by_bit(std::string_view bytes) {
  uint32_t crc = 0xffffffffu;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/// What an event says.
struct ReadEvent {
  double time = 0;
  int64_t step = 0;
  std::string version = {};
  bool starts_session = false;
  std::map<std::string, float> scalars = {};
  std::map<std::string, std::string> images = {};  // PNG bytes by tag
  std::vector<uint64_t> image_sizes = {};          // height, width
};

inline void read_summary(std::string_view bytes, ReadEvent& event) {
  for (const WireField& value : wire_fields(bytes)) {
    check(value.number == 1, "summary field ", value.number);
    std::string tag;
    for (const WireField& field : wire_fields(value.bytes)) {
      if (field.number == 1) tag = field.bytes;
      const auto bits = static_cast<uint32_t>(field.value);
      if (field.number == 2) std::memcpy(&event.scalars[tag], &bits, 4);
      if (field.number != 4) continue;
      for (const WireField& part : wire_fields(field.bytes)) {
        if (part.number == 4) event.images[tag] = part.bytes;
        if (part.number == 1 || part.number == 2) event.image_sizes.push_back(part.value);
      }
    }
  }
}

/// The events of a file. Error for a length or a checksum that is wrong, and for a record that is cut.
inline std::vector<ReadEvent> read_events(const std::string& file) {
  std::vector<ReadEvent> events;
  std::string_view rest = file;
  while (!rest.empty()) {
    const uint64_t length = little_endian(rest, 8);
    check(length <= rest.size() && rest.size() - length >= 16, "cut record");
    check(little_endian(rest.substr(8), 4) == masked_crc_bit_by_bit(rest.substr(0, 8)), "the length's checksum");
    const std::string_view data = rest.substr(12, length);
    check(little_endian(rest.substr(12 + length), 4) == masked_crc_bit_by_bit(data), "the data's checksum");
    rest.remove_prefix(16 + length);
    ReadEvent event;
    for (const WireField& field : wire_fields(data)) {
      if (field.number == 1) std::memcpy(&event.time, &field.value, 8);
      if (field.number == 2) event.step = int64_t(field.value);
      if (field.number == 3) event.version = field.bytes;
      if (field.number == 5) read_summary(field.bytes, event);
      if (field.number == 7) event.starts_session = wire_fields(field.bytes).at(0).value == 1;
    }
    events.push_back(event);
  }
  return events;
}

}  // namespace ditharos::tests
