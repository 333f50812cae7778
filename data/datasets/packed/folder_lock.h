#pragma once
// Internal to data/datasets/.
// Locks of folders of packed samples, between processes and between threads.
#include <string>

namespace ditharos::data {

/// A lock on a folder, which several readers or one writer have. It ends with the object, and with the process. Where
/// the folder does not exist, cannot be opened, or its file system has no locks, it is as if nobody had one.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  /// False, and no lock, while another one is writing.
  [[nodiscard]] bool try_read() const;
  /// False, and no lock, while another one is reading or writing.
  [[nodiscard]] bool try_write() const;
  /// Waits until nobody else is reading or writing.
  void wait_to_write() const;

 private:
  bool try_lock(int operation) const;

  int fd_;
};

}  // namespace ditharos::data
