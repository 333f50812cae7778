#include <ditharos/training/run/output_files.h>

#include <filesystem>
#include <system_error>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::training {

void check_output_file(const std::string& path) {
  if (!path.empty()) const AtomicFile made_and_removed(path);
}

void check_output_folder(const std::string& path) {
  if (path.empty()) return;
  std::filesystem::path existing = std::filesystem::absolute(path);
  std::error_code unknown;
  while (!std::filesystem::exists(existing, unknown) && existing.has_relative_path()) existing = existing.parent_path();
  check<IoError>(std::filesystem::is_directory(existing, unknown), "cannot make the folder ", path, ": ",
                 existing.string(), " is not a folder");
  try {
    const AtomicFile made_and_removed((existing / "ditharos-probe").string());
  } catch (const IoError& e) {
    fail<IoError>("cannot make files in the folder ", path, ": ", e.what());
  }
}

}  // namespace ditharos::training
