#include <ditharos/data/datasets/packed/folder_lock.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace ditharos::data {

FolderLock::FolderLock(const std::string& folder) : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

bool FolderLock::try_lock(int operation) const {
  if (fd_ < 0) return true;
  int error = 0;
  do {
    error = ::flock(fd_, operation | LOCK_NB) == 0 ? 0 : errno;
  } while (error == EINTR);
  return error != EWOULDBLOCK;
}

bool FolderLock::try_read() const { return try_lock(LOCK_SH); }

bool FolderLock::try_write() const { return try_lock(LOCK_EX); }

void FolderLock::wait_to_write() const {
  while (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0 && errno == EINTR) continue;
}

}  // namespace ditharos::data
