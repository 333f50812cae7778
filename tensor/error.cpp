#include <ditharos/tensor/error.h>

namespace ditharos {

void Error::set_module(const std::string& path) {
  if (path.empty()) return;
  const std::string message(what(), length_);
  static_cast<std::runtime_error&>(*this) = std::runtime_error(message + " (in the module " + path + ")");
}

}  // namespace ditharos
