#include <ditharos/tensor/error.h>

namespace ditharos {

std::string detail::joined(std::initializer_list<MessagePart> parts) {
  std::string message;
  for (const MessagePart& part : parts) message += part.text();
  return message;
}

void Error::set_module(const std::string& path) {
  if (path.empty()) return;
  const std::string message(what(), length_);
  static_cast<std::runtime_error&>(*this) = std::runtime_error(message + " (in the module " + path + ")");
}

}  // namespace ditharos
