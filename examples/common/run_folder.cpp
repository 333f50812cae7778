#include <ditharos/examples/common/run_folder.h>

#include <system_error>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/file.h>

namespace ditharos::examples {

RunFolder::RunFolder(const std::filesystem::path& path) : path_(path) {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  check<IoError>(!error, "cannot create the folder ", path_.string(), ": ", error.message());
  check<IoError>(std::filesystem::is_directory(path_), path_.string(), " is not a folder");
  sweep_temporaries(path_.string());
}

void RunFolder::write_text(const std::string& name, const std::string& text) const {
  AtomicFile out(file(name));
  out.write(text.data(), text.size());
  out.commit();
}

}  // namespace ditharos::examples
