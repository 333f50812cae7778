#include <ditharos/examples/common/step_log.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/file.h>

namespace ditharos::examples {

namespace {

constexpr std::string_view kLineStart = "{\"step\": ";
constexpr uint64_t kLongest = uint64_t(1) << 32;  // bytes

std::string reason(int error) { return std::generic_category().message(error); }

std::optional<int64_t> step_of(std::string_view line) {
  int64_t step = 0;
  if (!line.starts_with(kLineStart) || !line.ends_with('}')) return std::nullopt;
  const char* digits = line.data() + kLineStart.size();
  const auto [end, error] = std::from_chars(digits, line.data() + line.size(), step);
  return error == std::errc() && (*end == ',' || *end == '}') ? std::optional<int64_t>(step) : std::nullopt;
}

// Bytes of the whole lines whose step is at most `last_step`.
uint64_t size_until(const std::string& path, int64_t last_step) {
  const std::string text = read_file(path, kLongest);
  size_t kept = 0, number = 1;
  for (size_t end; (end = text.find('\n', kept)) != std::string::npos; kept = end + 1, ++number) {
    const std::optional<int64_t> step = step_of(std::string_view(text).substr(kept, end - kept));
    check<IoError>(step.has_value(), path, ":", number, ": not a line of a run's log; move the file away to go on");
    if (*step > last_step) break;
  }
  return kept;
}

}  // namespace

StepLog::StepLog(const std::string& path, int64_t last_step) : path_(path), last_step_(last_step) {
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  check<IoError>(fd_ >= 0, "cannot write ", path, ": ", reason(errno));
  try {
    check<IoError>(::flock(fd_, LOCK_EX | LOCK_NB) == 0, "cannot write ", path, ": another process is writing it");
    size_ = size_until(path, last_step);
    check<IoError>(::ftruncate(fd_, static_cast<off_t>(size_)) == 0, "cannot shorten ", path, ": ", reason(errno));
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

StepLog::~StepLog() { ::close(fd_); }

void StepLog::append(int64_t step, const JsonObject& object) {
  check(step >= last_step_, "[StepLog] step ", step, " after step ", last_step_, " in ", path_);
  const std::string members = object.text().substr(1);  // without its brace
  const std::string separator = members.size() > 1 ? ", " : "";
  const std::string line = std::string(kLineStart) + std::to_string(step) + separator + members + "\n";
  for (size_t done = 0; done < line.size();) {
    const ssize_t written = ::write(fd_, line.data() + done, line.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const std::string why = written == 0 ? "the device takes no more" : reason(errno);
      const bool taken_back = ::ftruncate(fd_, static_cast<off_t>(size_)) == 0;
      fail<IoError>("cannot write ", path_, ": ", why, taken_back ? "" : "; its last line is incomplete");
    }
    done += static_cast<size_t>(written);
  }
  size_ += line.size();
  last_step_ = step;
}

void StepLog::sync() {
  check<IoError>(::fdatasync(fd_) == 0, "cannot write ", path_, ": ", reason(errno));
}

}  // namespace ditharos::examples
