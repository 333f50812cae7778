#pragma once
// The path of the module that computes on this thread, for profiles, graphs and error messages.
#include <string>

namespace ditharos {

/// The path of the innermost module of this thread that has one ("blocks.3.attn.qkv"); empty outside of all.
[[nodiscard]] const char* current_module_path();

/// A copy of `path` that lives until the program ends. Equal paths share one copy.
[[nodiscard]] const char* intern_path(const std::string& path);

/// Sets the path in a scope; an empty one keeps the outer path. `path` is from intern_path or a string literal.
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
