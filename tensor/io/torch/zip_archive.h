#pragma once
// Internal to tensor/io/.
// A zip archive that is read entry by entry (through libzip). Nothing in it is trusted, and nothing is unpacked to
// disk: the entries' names are keys, never paths.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/tensor/io/file.h>

namespace ditharos {

class ZipArchive {
 public:
  struct Entry {
    uint64_t index = 0;
    uint64_t size = 0;    ///< uncompressed
    bool stored = false;  ///< not compressed
  };

  /// Reads the list of entries. `file` must outlive the archive. IoError, without the path, unless this is a zip
  /// archive of at most max_entries entries with different names, stored or deflated, not encrypted, that decompress to
  /// at most twice the size of the file or to `max_expanded` bytes, whichever is more. No entry may claim more bytes
  /// than its part of the file can decompress to.
  explicit ZipArchive(const InputFile& file, uint64_t max_expanded = 0);
  ~ZipArchive();
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  static constexpr uint64_t max_entries = 131072;
  /// All names, sorted.
  std::vector<std::string> names() const;
  /// Null if there is no entry of this name.
  const Entry* find(const std::string& name) const;
  /// Reads the whole entry into `to`, which has room for entry.size bytes. IoError, without the path, if it is damaged:
  /// of another length, or with another CRC-32 than the archive says.
  void read(const std::string& name, const Entry& entry, void* to) const;
  /// Checks the whole entry as read() does, and returns the offset in the file at which its bytes stand one after
  /// another. Nothing for an entry that is compressed or empty.
  std::optional<uint64_t> offset_of(const std::string& name, const Entry& entry) const;

  /// One entry from front to back. Both functions throw IoError as ZipArchive::read does.
  class Stream {
   public:
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    /// Exactly the next n bytes.
    void read(void* to, uint64_t n);
    /// Verifies that all bytes were read, and the CRC-32 of the entry.
    void expect_end();

   private:
    friend class ZipArchive;
    struct File;
    explicit Stream(std::unique_ptr<File> file);
    std::unique_ptr<File> file_;
  };
  /// The archive must outlive the stream.
  Stream open(const std::string& name, const Entry& entry) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ditharos
