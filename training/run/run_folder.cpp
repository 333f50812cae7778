#include <ditharos/training/run/run_folder.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::training {
namespace {

void create_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  check<IoError>(!error, "cannot create the folder ", path, ": ", error.message());
  check<IoError>(std::filesystem::is_directory(path), path, " is not a folder");
}

}  // namespace

RunLock::RunLock(const std::string& folder, const OptionNames& names) {
  create_folder(folder);
  const std::string path = (std::filesystem::path(folder) / ".lock").string();
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
  int error = fd_ < 0 ? errno : 0;
  while (error == 0 && ::flock(fd_, LOCK_EX | LOCK_NB) != 0) error = errno == EINTR ? 0 : errno;
  if (error == 0) return;
  if (fd_ >= 0) ::close(fd_);  // no destructor runs after a throw here
  check<IoError>(error != EWOULDBLOCK, "another process is training in ", folder, "; wait for it or choose another ",
                 names.folder);
  fail<IoError>("cannot lock ", path, ": ", error_text(error));
}

RunLock::~RunLock() { ::close(fd_); }

RunFolder::RunFolder(const std::string& path, bool create) : path_(path) {
  if (!create) return;
  create_folder(path_);
  sweep_temporaries(path_);
}

std::string RunFolder::file(const std::string& name) const { return (std::filesystem::path(path_) / name).string(); }
bool RunFolder::has(const std::string& name) const { return std::filesystem::exists(file(name)); }

void RunFolder::write_text(const std::string& name, const std::string& text) const {
  AtomicFile out(file(name));
  out.write(text.data(), text.size());
  out.commit();
}

}  // namespace ditharos::training
