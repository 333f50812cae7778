#include <cstring>

#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/training/checkpoint/checkpoint.h>
#include <ditharos/training/checkpoint/checkpoint_record.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {
namespace {

void load(std::string_view bytes) { training::load_checkpoint(file_with("a", bytes)); }
void verify(std::string_view bytes) { training::verify_checkpoint(file_with("a", bytes)); }
template <uint32_t format>
void decode(std::string_view bytes) {
  // Not the same bytes: the entries of a map may stand in any order in a file, and are written in their own.
  const training::CheckpointRecord record = training::decode(std::string(bytes), format);
  const std::string written = training::encode(record);
  demand(training::encode(training::decode(written, training::format_of(record.state))) == written,
         "the same record when it is read back");
}

/// The checksums of header and record made right, where the layout of training/checkpoint/checkpoint.h has them.
std::string with_checksums(std::string bytes) {
  constexpr size_t header = 32;
  if (bytes.size() < header) return bytes;
  uint64_t length = 0;
  std::memcpy(&length, &bytes[16], sizeof length);
  if (length > bytes.size() - header) length = bytes.size() - header;
  std::memcpy(&bytes[16], &length, sizeof length);
  const uint32_t of_record = crc32c(bytes.data() + header, length);
  std::memcpy(&bytes[12], &of_record, sizeof of_record);
  const uint32_t of_header = crc32c(bytes.data(), 24);
  std::memcpy(&bytes[24], &of_header, sizeof of_header);
  return bytes;
}

}  // namespace

void fuzz_checkpoint(std::string_view bytes) {
  const std::string sound = with_checksums(std::string(bytes));
  fuzz_one(load, bytes);
  fuzz_one(load, sound);
  fuzz_one(verify, sound);
  fuzz_one(decode<1>, bytes);
  fuzz_one(decode<training::checkpoint_format>, bytes);
}

}  // namespace ditharos::tests
