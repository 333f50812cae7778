#include <ditharos/training/run/step_log.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::training {

namespace {

constexpr std::string_view kLineStart = "{\"step\": ";
constexpr uint64_t kLongest = uint64_t(1) << 32;  // bytes

std::optional<int64_t> step_of(std::string_view line) {
  int64_t step = 0;
  if (!line.starts_with(kLineStart) || !line.ends_with('}')) return std::nullopt;
  const char* digits = line.data() + kLineStart.size();
  const auto [end, error] = std::from_chars(digits, line.data() + line.size(), step);
  return error == std::errc() && (*end == ',' || *end == '}') ? std::optional<int64_t>(step) : std::nullopt;
}

// The whole lines at the beginning of a log whose step is at most `last_step`.
struct Kept {
  uint64_t bytes = 0;
  std::string last_lines;  // those of `last_step`
};
Kept lines_until(const std::string& path, int64_t last_step) {
  const std::string text = read_file(path, kLongest);
  size_t kept = 0, number = 1;
  std::string last_lines;
  for (size_t end; (end = text.find('\n', kept)) != std::string::npos; kept = end + 1, ++number) {
    const std::optional<int64_t> step = step_of(std::string_view(text).substr(kept, end - kept));
    check<IoError>(step.has_value(), path, ":", number, ": not a line of a run's log; move the file away to go on");
    if (*step > last_step) break;
    if (*step == last_step) last_lines.append(text, kept, end + 1 - kept);
  }
  return {kept, last_lines};
}

}  // namespace

std::string log_line(int64_t step, const JsonObject& object) {
  const std::string members = object.text().substr(1);  // without its brace
  return std::string(kLineStart) + std::to_string(step) + (members.size() > 1 ? ", " : "") + members + "\n";
}

StepLog::StepLog(const std::string& path, int64_t last_step) : path_(path), last_step_(last_step) {
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const int open_error = errno;
  check<IoError>(fd_ >= 0, "cannot write ", path, ": ", error_text(open_error));
  try {
    check<IoError>(::flock(fd_, LOCK_EX | LOCK_NB) == 0, "cannot write ", path, ": another process is writing it");
    Kept kept = lines_until(path, last_step);
    size_ = kept.bytes;
    last_lines_ = std::move(kept.last_lines);
    const bool shortened = ::ftruncate(fd_, static_cast<off_t>(size_)) == 0;
    const int error = errno;
    check<IoError>(shortened, "cannot shorten ", path, ": ", error_text(error));
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

StepLog::~StepLog() { ::close(fd_); }

bool StepLog::has_line(int64_t step, const JsonObject& object) const {
  const std::string text = object.text(), first_key = text.substr(1, text.find(": ") + 1);
  return step == last_step_ && last_lines_.find(", " + first_key) != std::string::npos;
}

bool StepLog::has_same_line(int64_t step, const JsonObject& object) const {
  return step == last_step_ && ("\n" + last_lines_).find("\n" + log_line(step, object)) != std::string::npos;
}

void StepLog::append(int64_t step, const JsonObject& object) {
  check(step >= last_step_, "[StepLog] step ", step, " after step ", last_step_, " in ", path_);
  const std::string line = log_line(step, object);
  for (size_t done = 0; done < line.size();) {
    const ssize_t written = ::write(fd_, line.data() + done, line.size() - done);
    const int error = errno;
    if (written < 0 && error == EINTR) continue;
    if (written <= 0) {
      const std::string why = written == 0 ? "the device takes no more" : error_text(error);
      const bool taken_back = ::ftruncate(fd_, static_cast<off_t>(size_)) == 0;
      fail<IoError>("cannot write ", path_, ": ", why, taken_back ? "" : "; its last line is incomplete");
    }
    done += static_cast<size_t>(written);
  }
  size_ += line.size();
  last_lines_ = step == last_step_ ? last_lines_ + line : line;
  last_step_ = step;
}

void StepLog::sync() {
  const bool synced = ::fdatasync(fd_) == 0;
  const int error = errno;
  check<IoError>(synced, "cannot write ", path_, ": ", error_text(error));
}

}  // namespace ditharos::training
