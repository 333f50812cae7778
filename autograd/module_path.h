#pragma once
// Which module computes at the moment, so that profiles, graphs and error messages can name it.
#include <string>

namespace ditharos {

/// The path of the innermost module of this thread that has one ("blocks.3.attn.qkv"); empty outside of all.
[[nodiscard]] const char* current_module_path();

/// A copy of `path` that lives as long as the program. Equal paths share it, so their number is that of the modules.
[[nodiscard]] const char* intern_path(const std::string& path);

/// Sets the path for a scope; an empty one leaves what is there. `path` comes from intern_path or is a literal.
class ModulePath {
 public:
  explicit ModulePath(const char* path);
  ~ModulePath();
  ModulePath(const ModulePath&) = delete;
  ModulePath& operator=(const ModulePath&) = delete;

 private:
  const char* before_;
};

}  // namespace ditharos
