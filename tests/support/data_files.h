#pragma once
// Small data files for tests, built byte by byte, so that every field can be made wrong.
#include <zlib.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <ditharos/tensor/error.h>
#include "tests/support/message_of.h"
#include "tests/support/page_text.h"

namespace ditharos::tests {

/// Creates a file of these bytes, or replaces its bytes.
inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  check<IoError>(file.good(), "cannot write ", path);
}

inline std::string be32(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

/// 0, 1, 2, ..., wrapping at 256.
inline std::string counting_bytes(size_t n) {
  std::string bytes(n, '\0');
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<char>(i & 255);
  return bytes;
}

/// An IDX file: magic number, sizes, contents.
inline std::string idx_bytes(uint32_t magic, const std::vector<uint32_t>& sizes, const std::string& contents) {
  std::string bytes = be32(magic);
  for (const uint32_t size : sizes) bytes += be32(size);
  return bytes + contents;
}

/// zlib's deflate; window bits 31 give gzip, 15 the format inside of PNG.
inline std::string deflated(const std::string& bytes, int window_bits) {
  z_stream stream{};
  check(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK, "deflateInit2");
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  check(status == Z_STREAM_END, "deflate");
  return out;
}
inline std::string gzipped(const std::string& bytes) { return deflated(bytes, 31); }

inline std::string png_chunk(const std::string& type, const std::string& contents) {
  const std::string body = type + contents;
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return be32(static_cast<uint32_t>(contents.size())) + body + be32(static_cast<uint32_t>(crc));
}

/// The parts of a PNG. `lines` are the filtered lines, each with its filter byte in front.
struct PngParts {
  uint32_t width = 0, height = 0;
  int depth = 8, color_type = 0, interlace = 0;
  std::string lines = {};
  std::string before_data = {};  // chunks such as PLTE

  static std::string signature() { return std::string("\x89PNG\r\n\x1a\n", 8); }
  std::string header() const {
    return be32(width) + be32(height) + static_cast<char>(depth) + static_cast<char>(color_type) +
           std::string(2, '\0') + static_cast<char>(interlace);
  }
  std::string bytes() const {
    return signature() + png_chunk("IHDR", header()) + before_data + png_chunk("IDAT", deflated(lines, 15)) +
           png_chunk("IEND", "");
  }
};

}  // namespace ditharos::tests
