#pragma once
// Internal to data/.
// One pass over the bytes of a file, plain or compressed with gzip.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace ditharos::data {

/// Reads a file from front to back; a file whose name ends in ".gz" is decompressed. Errors are IoError with the path.
class ByteReader {
 public:
  explicit ByteReader(const std::string& path);
  ~ByteReader();
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;

  const std::string& path() const;
  /// Exactly the next n bytes. IoError when there are fewer; `what` names them in the message ("the 28 x 28 pixels").
  void read(void* to, size_t n, const std::string& what);
  /// IoError unless every byte was read. For .gz this also verifies the check sum at the end of the stream.
  void expect_end();
  /// An upper bound of the bytes that a file of this size on disk can hold, for checking counts that the file claims.
  uint64_t most_bytes() const;
  /// IoError unless n more bytes follow; `what` names them as in read(). Allocates nothing and does not change the
  /// position: a compressed file is decompressed up to these bytes without keeping them.
  void require(uint64_t n, const std::string& what);

 private:
  [[noreturn]] void refuse_short(uint64_t got, uint64_t n, const std::string& what) const;
  struct Source;
  struct PlainSource;
  struct GzipSource;
  std::unique_ptr<Source> source_;
};

}  // namespace ditharos::data
