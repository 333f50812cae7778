#include <ditharos/training/report/event_file.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>

#include <protozero/pbf_writer.hpp>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::training {
namespace {

namespace fs = std::filesystem;

const std::string prefix = "events.out.tfevents.";
constexpr size_t time_digits = 10;

// The field numbers of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
namespace event {
constexpr uint32_t wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7;
}
namespace session_log {
constexpr uint32_t status = 1;
constexpr int32_t start = 1;
}  // namespace session_log
namespace summary {
constexpr uint32_t value = 1;
}
namespace value {
constexpr uint32_t tag = 1, simple_value = 2, image = 4;
}
namespace image {
constexpr uint32_t height = 1, width = 2, colorspace = 3, encoded = 4;
constexpr int32_t rgb = 3;
}  // namespace image

using protozero::pbf_writer;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string padded(int64_t number) {
  const std::string text = std::to_string(number);
  return std::string(time_digits - std::min(text.size(), time_digits), '0') + text;
}

/// A name after those of all event files of the folder, also when the clock was set back.
std::string next_name(const std::string& folder) {
  int64_t time = int64_t(seconds_now());
  for (const std::string& path : list_event_files(folder)) {
    const std::string name = fs::path(path).filename().string();
    int64_t then = 0;
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), then);
    if (then < 9'999'999'999) time = std::max(time, then + 1);
  }
  return prefix + padded(time) + ".0";
}

/// A checksum that is stored beside its data is masked, so that the checksum of both is not trivial.
uint32_t masked_crc(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes.data(), bytes.size());
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

void append_little_endian(std::string& to, uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) to += static_cast<char>(number >> (8 * i) & 255);
}

}  // namespace

std::vector<std::string> list_event_files(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->path().filename().string().starts_with(prefix) && it->is_regular_file(ignored))
      paths.push_back(it->path().string());
  }
  check<IoError>(!error, "cannot list the event files in ", folder, ": ", error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

void remove_other_event_files(const std::string& folder, const std::string& keep) {
  for (const std::string& path : list_event_files(folder)) {
    if (fs::path(path).filename() == fs::path(keep).filename()) continue;
    std::error_code error;
    fs::remove(path, error);
    check<IoError>(!error, "cannot remove ", path, ": ", error.message());
  }
}

EventFile::EventFile(const std::string& folder) : path_((fs::path(folder) / next_name(folder)).string()) {
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
  const int error = errno;
  check<IoError>(fd_ >= 0, "cannot write ", path_, ": ", error_text(error));
  std::string version, start;
  pbf_writer first(version), second(start);
  first.add_double(event::wall_time, seconds_now());
  first.add_string(event::file_version, "brain.Event:2");
  add_event(version);
  second.add_double(event::wall_time, seconds_now());
  second.add_int64(event::step, 0);
  {
    pbf_writer log(second, event::session_log);
    log.add_enum(session_log::status, session_log::start);
  }
  add_event(start);
}

EventFile::~EventFile() { ::close(fd_); }

void EventFile::add_scalars(int64_t step, double time, const std::vector<std::pair<std::string, double>>& figures) {
  std::string bytes;
  pbf_writer event(bytes);
  event.add_double(event::wall_time, time);
  event.add_int64(event::step, step);
  {
    pbf_writer summary(event, event::summary);
    for (const auto& [name, number] : figures) {
      pbf_writer value(summary, summary::value);
      value.add_string(value::tag, name);
      value.add_float(value::simple_value, static_cast<float>(number));
    }
  }
  add_event(bytes);
}

void EventFile::add_image(int64_t step, double time, const std::string& name, const EventImage& content) {
  std::string bytes;
  pbf_writer event(bytes);
  event.add_double(event::wall_time, time);
  event.add_int64(event::step, step);
  {
    pbf_writer summary(event, event::summary);
    pbf_writer value(summary, summary::value);
    value.add_string(value::tag, name);
    pbf_writer image(value, value::image);
    image.add_int32(image::height, static_cast<int32_t>(content.height));
    image.add_int32(image::width, static_cast<int32_t>(content.width));
    image.add_int32(image::colorspace, image::rgb);
    image.add_bytes(image::encoded, content.png.data(), content.png.size());
  }
  add_event(bytes);
}

void EventFile::add_event(const std::string& event) {
  std::string length;
  append_little_endian(length, event.size(), 8);
  records_ += length;
  append_little_endian(records_, masked_crc(length), 4);
  records_ += event;
  append_little_endian(records_, masked_crc(event), 4);
}

void EventFile::flush() {
  for (size_t done = 0; done < records_.size();) {
    const ssize_t written = ::write(fd_, records_.data() + done, records_.size() - done);
    const int error = errno;
    if (written < 0 && error == EINTR) continue;
    if (written <= 0) {
      const std::string why = written == 0 ? "the device takes no more" : error_text(error);
      const bool taken_back = ::ftruncate(fd_, static_cast<off_t>(size_)) == 0;
      fail<IoError>("cannot write ", path_, ": ", why, taken_back ? "" : "; its last record is incomplete");
    }
    done += static_cast<size_t>(written);
  }
  size_ += records_.size();
  records_.clear();
}

}  // namespace ditharos::training
