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
  /// at most twice the size of the file.
  explicit ZipArchive(const InputFile& file);
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

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ditharos
