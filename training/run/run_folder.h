#pragma once
// The folder that a run writes (configuration, metrics, samples, checkpoints), and its lock.
#include <string>

#include <ditharos/training/run/run_options.h>

namespace ditharos::training {

/// The name of the file with a run's configuration, in the run's folder.
inline constexpr const char* configuration_file = "config.toml";

class RunFolder {
 public:
  /// Creates the folder with its parents if it is missing, and removes temporaries that a killed run left.
  /// IoError naming the folder if that is not possible. `create` = false: only knows the names of its files.
  explicit RunFolder(const std::string& path, bool create = true);

  const std::string& path() const { return path_; }
  /// The path of a file in it.
  std::string file(const std::string& name) const;
  bool has(const std::string& name) const;
  /// Writes a file whole or not at all. IoError naming the file.
  void write_text(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

/// Locks a folder for this process while the object exists. The file .lock, which holds the lock, is not removed.
class RunLock {
 public:
  /// Creates the folder with its parents if it is missing. IoError naming the folder when another process has the lock,
  /// or when it cannot be locked; nothing in the folder has changed then.
  explicit RunLock(const std::string& folder, const OptionNames& names = {});
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace ditharos::training
