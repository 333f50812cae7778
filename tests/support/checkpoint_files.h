#pragma once
// What the tests of checkpoints do to files: forge, damage, and see how they are refused.
#include <cstring>
#include <functional>
#include <string>

#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::tests {

/// Offsets in the header of a checkpoint.
constexpr size_t header_bytes = 32, format_at = 8, record_crc_at = 12, record_bytes_at = 16, header_crc_at = 24;

template <class T>
T get(const std::string& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}
template <class T>
void put(std::string& bytes, size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

/// fixture_state() saved in a folder of its own, and the file's bytes.
struct SavedFixture {
  SavedFixture();
  size_t record_end() const { return header_bytes + size_t(get<uint64_t>(bytes, record_bytes_at)); }
  size_t payload_at() const { return (record_end() + 63) / 64 * 64; }

  TemporaryFolder folder;
  std::string path = folder / "a.ckpt";
  std::string bytes;
};

/// Makes both checksums of header and metadata fit again, as a forger would.
void fix_checksums(std::string& bytes);
/// The message with which a function refuses a checkpoint by an IoError; empty when it takes it.
std::string refusal_by(const std::function<void()>& f);
/// The same of load_checkpoint() and verify_checkpoint(), which must agree.
std::string refusal(const std::string& path);
/// Runs f in a child process; true when f returned true there. f must start no threads.
bool in_child(const std::function<bool()>& f);

}  // namespace ditharos::tests
