#include <ditharos/tensor/io/file.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <set>
#include <string_view>
#include <system_error>

#include <ditharos/tensor/error.h>

namespace ditharos {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view temporary_prefix = ".ditharos-tmp-";

IoHook& io_hook() {
  static IoHook hook;
  return hook;
}

// Runs one system call until no signal interrupts it; -1 with errno set on failure. `bytes` is the size of a write.
template <class F>
ssize_t system_call(const char* name, size_t bytes, F&& call) {
  for (;;) {
    ssize_t result = -1;
    errno = io_hook() ? io_hook()(name, bytes) : 0;
    if (errno == 0) result = call(bytes);
    if (result >= 0 || errno != EINTR) return result;
  }
}

// The file behind symbolic links, so that replacing it leaves the link; `path` itself when it does not exist yet.
std::string resolve(const std::string& path) {
  std::error_code error;
  const auto target = fs::canonical(path, error);
  return error ? path : target.string();
}

bool is_temporary(const fs::path& path) { return path.filename().string().starts_with(temporary_prefix); }

/// Sweeps a directory before this process writes into it for the first time.
void sweep_once(const std::string& directory) {
  static std::mutex mutex;
  static std::set<std::string> swept;
  if (is_temporary(directory)) return;  // our own, and new
  {
    const std::lock_guard lock(mutex);
    if (!swept.insert(directory).second) return;
  }
  sweep_temporaries(directory);
}

/// Makes a temporary in `directory` under a new name and locks it; its descriptor, or -1 with errno set.
/// `create(path)` returns the descriptor of what it made, or -1 with errno set.
template <class Create>
int create_temporary(const std::string& directory, std::string& path, const Create& create) {
  static std::atomic<uint64_t> counter{0};
  sweep_once(directory);
  for (;;) {
    path =
        directory + "/" + std::string(temporary_prefix) + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    const int fd = create(path.c_str());
    if (fd < 0 && errno == EEXIST) continue;  // left by a dead process that had our number
    if (fd < 0) return fd;
    // The lock tells sweep_temporaries that the writer lives; it ends with the process. A sweep that came in between
    // creation and lock has removed it: then take the next name.
    struct stat now{};
    while (::flock(fd, LOCK_EX) != 0 && errno == EINTR) continue;
    if (::fstat(fd, &now) == 0 && now.st_nlink > 0) return fd;
    ::close(fd);
  }
}

/// Removes a directory that holds files alone, and tells whether that was so.
bool remove_flat_directory(const std::string& path) {
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    if (!fs::is_regular_file(it->symlink_status(error))) return false;
  if (error) return false;
  fs::remove_all(path, error);
  return !error;
}

}  // namespace

// Unlike strerror, safe with threads.
std::string error_text(int error) { return std::generic_category().message(error); }

bool same_file(const std::string& a, const std::string& b) {
  struct stat first{}, second{};
  const bool has_first = ::stat(a.c_str(), &first) == 0, has_second = ::stat(b.c_str(), &second) == 0;
  if (has_first && has_second) return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
  if (has_first != has_second || a.empty() || b.empty()) return false;
  std::error_code error;
  const auto place = [&](const std::string& path) {
    const fs::path whole = fs::weakly_canonical(fs::absolute(path, error), error);
    return whole.has_filename() ? whole : whole.parent_path();  // a slash at the end
  };
  return place(a) == place(b) && !error;
}

void set_io_hook(IoHook hook) { io_hook() = std::move(hook); }

AtomicFile::AtomicFile(const std::string& path) : path_(resolve(path)) {
  directory_ = fs::path(path_).parent_path().string();
  if (directory_.empty()) directory_ = ".";
  struct stat old{};
  const bool exists = ::stat(path_.c_str(), &old) == 0;
  check<IoError>(!exists || S_ISREG(old.st_mode), "cannot write ", path, ": it is not a regular file");
  open_temporary();
  // The new file keeps the permissions of the one it replaces; where that is not allowed, the default ones do.
  if (exists) [[maybe_unused]]
    const int best_effort = ::fchmod(fd_, old.st_mode & 07777);
}

void AtomicFile::open_temporary() {
  fd_ = create_temporary(directory_, temporary_, [](const char* path) {
    return int(
        system_call("open", 0, [&](size_t) { return ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); }));
  });
  const int error = errno;
  check<IoError>(fd_ >= 0, "cannot write ", path_, ": cannot create a file in ", directory_, ": ", error_text(error));
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::unlink(temporary_.c_str());
  ::close(fd_);
}

void AtomicFile::write(const void* data, size_t n) {
  check(fd_ >= 0, "[AtomicFile] write to ", path_, " after commit");
  const char* p = static_cast<const char*>(data);
  while (n > 0) {
    const ssize_t written = system_call("write", n, [&](size_t bytes) { return ::write(fd_, p, bytes); });
    const int error = errno;
    if (written <= 0) {
      fail<IoError>("cannot write ", path_, " (at byte ", size_,
                    "): ", written == 0 ? "the device takes no more" : error_text(error));
    }
    p += written;
    n -= size_t(written);
    size_ += uint64_t(written);
  }
}

void AtomicFile::commit() {
  check(fd_ >= 0, "[AtomicFile] second commit of ", path_);
  const auto run = [](const char* name, auto call) {
    return system_call(name, 0, [&](size_t) { return call(); }) == 0;
  };
  if (!run("fdatasync", [&] { return ::fdatasync(fd_); })) {
    fail<IoError>("cannot write ", path_, ": ", error_text(errno));
  }
  // Closed only after the rename: the lock must keep a sweep away until then. fdatasync has reported whatever close
  // could still report.
  if (!run("rename", [&] { return std::rename(temporary_.c_str(), path_.c_str()); })) {
    fail<IoError>("cannot write ", path_, ": cannot rename ", temporary_, ": ", error_text(errno));
  }
  ::close(fd_);
  fd_ = -1;

  const int directory = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = directory >= 0 && run("fsync", [&] { return ::fsync(directory); });
  const int error = synced ? 0 : errno;
  if (directory >= 0) ::close(directory);
  // EINVAL: a file system that knows no such call.
  check<IoError>(synced || error == EINVAL, "wrote ", path_,
                 ", but cannot make sure that it survives a power cut: ", error_text(error));
}

TemporaryDirectory::TemporaryDirectory(const std::string& directory, const std::string& action) {
  const std::string parent = directory.empty() ? "." : directory;
  fd_ = create_temporary(parent, path_, [](const char* path) {
    if (::mkdir(path, 0755) != 0) return -1;
    const int fd = ::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) errno = EEXIST;  // swept away before it was locked: take the next name
    return fd;
  });
  const int error = errno;
  check<IoError>(fd_ >= 0, action, ": cannot create a directory in ", parent, ": ", error_text(error));
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  ::close(fd_);
}

void TemporaryDirectory::move_to(const std::string& target) const {
  struct stat old{};
  const unsigned flags = ::lstat(target.c_str(), &old) == 0 ? RENAME_EXCHANGE : 0;
  const bool moved = ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), flags) == 0;
  const int error = errno;
  check<IoError>(moved, "cannot write ", target, ": ", error_text(error));
}

// O_NONBLOCK: opening a named pipe would wait for a writer, maybe for ever. It changes nothing for regular files.
InputFile::InputFile(const std::string& path)
    : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (fd_ < 0) fail<IoError>("cannot open ", path, ": ", error_text(errno));
  struct stat status{};
  const bool known = ::fstat(fd_, &status) == 0;
  if (known && S_ISREG(status.st_mode)) {
    size_ = uint64_t(status.st_size);
    return;
  }
  ::close(fd_);  // no destructor runs after a throw here
  fail<IoError>("cannot read ", path, ": it is not a regular file");
}

InputFile::~InputFile() { ::close(fd_); }

void InputFile::read(uint64_t offset, void* to, size_t n) const {
  check<IoError>(offset <= size_ && n <= size_ - offset, "cannot read ", path_, ": it ends at byte ", size_,
                 ", before the ", n, " bytes from byte ", offset);
  char* p = static_cast<char*>(to);
  while (n > 0) {
    const ssize_t got = ::pread(fd_, p, n, off_t(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      fail<IoError>("cannot read ", path_, " (at byte ", offset,
                    "): ", got == 0 ? "the file has become shorter" : error_text(errno));
    }
    p += got;
    n -= size_t(got);
    offset += uint64_t(got);
  }
}

std::shared_ptr<char> InputFile::map() const {
  if (size_ == 0) return nullptr;
  const auto bytes = size_t(size_);
  // MAP_NORESERVE: of a large file few pages are written, if any.
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd_, 0);
  const int error = errno;
  if (memory == MAP_FAILED && error == ENODEV) return nullptr;
  check<IoError>(memory != MAP_FAILED, "cannot read ", path_, ": cannot map it into memory: ", error_text(error));
  return {static_cast<char*>(memory), [bytes](char* p) { ::munmap(p, bytes); }};
}

std::string read_file(const std::string& path, uint64_t limit) {
  const InputFile file(path);
  check<IoError>(file.size() <= limit, "cannot read ", path, ": it has ", file.size(), " bytes, more than the ", limit,
                 " that such a file may have");
  std::string contents(size_t(file.size()), '\0');
  file.read(0, contents.data(), contents.size());
  return contents;
}

std::vector<std::string> sweep_temporaries(const std::string& directory) {
  std::vector<std::string> removed;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (!is_temporary(it->path())) continue;
    const std::string path = it->path().string();
    const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) continue;
    struct stat status{};
    const bool stale = ::fstat(fd, &status) == 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0;
    const bool gone = stale && (S_ISREG(status.st_mode)   ? ::unlink(path.c_str()) == 0
                                : S_ISDIR(status.st_mode) ? remove_flat_directory(path)
                                                          : false);
    if (gone) removed.push_back(path);
    ::close(fd);
  }
  std::sort(removed.begin(), removed.end());
  return removed;
}

}  // namespace ditharos
