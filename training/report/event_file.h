#pragma once
// Event files, which TensorBoard reads: figures as scalars, and images.
//
// The format: records of a length (u64), its masked CRC-32C, the bytes of a protocol buffer tensorflow.Event, and their
// masked CRC-32C, all little-endian (tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto).
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ditharos::training {

/// A PNG image for TensorBoard; width and height in pixels.
struct EventImage {
  std::string_view png;
  int64_t width = 0, height = 0;
};

/// Writes a new event file. Records are kept in memory until flush(). Every failure is an IoError that names the file.
class EventFile {
 public:
  /// Creates events.out.tfevents.TIME.NUMBER in `folder`. TensorBoard reads the files of a folder in the order of their
  /// names, and this name comes after those of the event files that are there. The first events are the format's
  /// version and the start of a session at step 0: TensorBoard then drops what earlier files say of this step and later
  /// ones.
  explicit EventFile(const std::string& folder);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  const std::string& path() const { return path_; }
  /// One event with a scalar for each name and value; TensorBoard's scalars are f32. `time`: seconds since 1970.
  void add_scalars(int64_t step, double time, const std::vector<std::pair<std::string, double>>& figures);
  void add_image(int64_t step, double time, const std::string& name, const EventImage& content);
  /// Writes the records. After a failure the file ends with the last record that was written whole.
  void flush();
  /// Bytes in memory.
  size_t pending() const { return records_.size(); }

 private:
  void add_event(const std::string& event);

  std::string path_, records_;
  int fd_ = -1;
  uint64_t size_ = 0;  // of the file, in bytes
};

/// The event files in a folder, in the order of their names.
[[nodiscard]] std::vector<std::string> list_event_files(const std::string& folder);
/// Removes those whose name is not that of `keep`.
void remove_other_event_files(const std::string& folder, const std::string& keep);

}  // namespace ditharos::training
