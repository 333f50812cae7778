#pragma once
// The folder that a run writes: configuration, metrics, samples, checkpoints.
#include <filesystem>
#include <string>

namespace ditharos::examples {

class RunFolder {
 public:
  /// Creates the folder with its parents if it is missing, and removes temporaries that a killed run left.
  /// IoError naming the folder if that is not possible.
  explicit RunFolder(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  /// The path of a file in it, as the writers of this library take it.
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  bool has(const std::string& name) const { return std::filesystem::exists(path_ / name); }
  /// Writes a file whole or not at all. IoError naming the file.
  void write_text(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

}  // namespace ditharos::examples
