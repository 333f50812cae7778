#include <ditharos/data/codecs/byte_reader.h>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::data {

/// A source of bytes. get() returns fewer than n only at the end.
struct ByteReader::Source {
  explicit Source(const std::string& path) : file(path) {}
  virtual ~Source() = default;
  virtual size_t get(uint8_t* to, size_t n) = 0;
  virtual uint64_t most_bytes() const = 0;
  /// How many of the next n bytes exist. Does not consume them.
  virtual uint64_t count_up_to(uint64_t n) = 0;

  InputFile file;
};

struct ByteReader::PlainSource : Source {
  using Source::Source;
  size_t get(uint8_t* to, size_t n) override {
    n = static_cast<size_t>(std::min<uint64_t>(n, file.size() - offset));
    file.read(offset, to, n);
    offset += n;
    return n;
  }
  uint64_t most_bytes() const override { return file.size(); }
  uint64_t count_up_to(uint64_t n) override { return std::min(n, file.size() - offset); }

  uint64_t offset = 0;
};

/// A gzip file is a sequence of one or more streams (RFC 1952).
struct ByteReader::GzipSource : Source {
  explicit GzipSource(const std::string& path) : Source(path) {
    constexpr int gzip_only = 15 + 16;  // window bits of the largest window; 16 asks for gzip's header and check sum
    const int status = inflateInit2(&stream, gzip_only);
    check<Error>(status == Z_OK, "cannot read ", path, ": zlib has no memory");
  }
  ~GzipSource() override { inflateEnd(&stream); }

  size_t get(uint8_t* to, size_t n) override {
    const size_t done = inflate_some(to, n);
    taken += done;
    return done;
  }
  uint64_t count_up_to(uint64_t n) override {
    const uint64_t before = taken;
    const uint64_t count = pass_over(n);
    inflateReset(&stream);
    stream.avail_in = 0;
    offset = taken = 0;
    finished = false;
    pass_over(before);
    return count;
  }

  uint64_t pass_over(uint64_t n) {
    std::array<uint8_t, size_t{1} << 14> block;
    uint64_t passed = 0;
    while (passed < n) {
      const size_t got = get(block.data(), static_cast<size_t>(std::min<uint64_t>(n - passed, block.size())));
      if (got == 0) break;
      passed += got;
    }
    return passed;
  }

  size_t inflate_some(uint8_t* to, size_t n) {
    size_t done = 0;
    while (done < n && !finished) {
      if (stream.avail_in == 0) refill();
      check<IoError>(stream.avail_in > 0, "cannot read ", file.path(), ": the gzip stream is cut off after ", offset,
                     " bytes of the file");
      const auto room = static_cast<uInt>(std::min<size_t>(n - done, std::numeric_limits<uInt>::max()));
      stream.next_out = to + done;
      stream.avail_out = room;
      const int status = inflate(&stream, Z_NO_FLUSH);
      done += room - stream.avail_out;
      check<IoError>(status == Z_OK || status == Z_STREAM_END, "cannot read ", file.path(),
                     ": the gzip stream is damaged (", stream.msg ? stream.msg : zError(status), ")");
      if (status == Z_STREAM_END) next_stream();
    }
    return done;
  }

  /// Deflate codes at most 258 bytes in two bits (RFC 1951), just below 1032 to 1.
  uint64_t most_bytes() const override {
    constexpr uint64_t ratio = 1032;
    return file.size() > std::numeric_limits<uint64_t>::max() / ratio ? std::numeric_limits<uint64_t>::max()
                                                                      : file.size() * ratio;
  }

  void refill() {
    const auto n = static_cast<size_t>(std::min<uint64_t>(buffer.size(), file.size() - offset));
    file.read(offset, buffer.data(), n);
    offset += n;
    stream.next_in = buffer.data();
    stream.avail_in = static_cast<uInt>(n);
  }
  void next_stream() {
    if (stream.avail_in == 0) refill();
    finished = stream.avail_in == 0;
    if (!finished) inflateReset(&stream);
  }

  z_stream stream{};
  std::array<uint8_t, size_t{1} << 16> buffer;
  uint64_t offset = 0;  // bytes of the file that were handed to zlib
  uint64_t taken = 0;   // bytes that were decompressed
  bool finished = false;
};

ByteReader::ByteReader(const std::string& path) {
  if (path.ends_with(".gz")) source_ = std::make_unique<GzipSource>(path);
  else source_ = std::make_unique<PlainSource>(path);
}
ByteReader::~ByteReader() = default;

const std::string& ByteReader::path() const { return source_->file.path(); }
uint64_t ByteReader::most_bytes() const { return source_->most_bytes(); }

void ByteReader::read(void* to, size_t n, const std::string& what) {
  const size_t got = source_->get(static_cast<uint8_t*>(to), n);
  if (got != n) refuse_short(got, n, what);
}

void ByteReader::require(uint64_t n, const std::string& what) {
  const uint64_t got = source_->count_up_to(n);
  if (got != n) refuse_short(got, n, what);
}

void ByteReader::refuse_short(uint64_t got, uint64_t n, const std::string& what) const {
  fail<IoError>("cannot read ", path(), ": it ends after ", got, " of the ", n, " bytes of ", what);
}

void ByteReader::expect_end() {
  uint8_t extra = 0;
  check<IoError>(source_->get(&extra, 1) == 0, "cannot read ", path(), ": more bytes follow than its header announces");
}

}  // namespace ditharos::data
