#include <filesystem>

#include <ditharos/data/datasets/images/class_folder.h>
#include <ditharos/data/datasets/names.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// The bytes as classes.txt, and as the name of a class and of its folder.
void fuzz_class_names(std::string_view bytes) {
  const std::string name(bytes.substr(0, 200));
  const std::string folder = data::folder_name_of(name);
  demand(data::class_name_of(folder) == name, "the class whose folder it is");
  demand(!folder.empty() && folder[0] != '.' && folder.find('/') == std::string::npos &&
             folder.find('\0') == std::string::npos,
         "the name of a folder");
  const std::filesystem::path path = file_with("classes.txt", bytes);
  for (const std::string& line : data::read_class_names(path.parent_path().string()))
    demand(!line.empty() && line.find('\n') == std::string::npos, "a name of one line");
}

}  // namespace ditharos::tests
