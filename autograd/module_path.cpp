#include <ditharos/autograd/module_path.h>

#include <mutex>
#include <unordered_set>

namespace ditharos {
namespace {
constinit thread_local const char* current = "";
}

const char* current_module_path() { return current; }

const char* intern_path(const std::string& path) {
  static std::mutex mutex;
  static auto* paths = new std::unordered_set<std::string>;  // never destroyed: a static tensor's graph may name a path
  const std::lock_guard lock(mutex);
  return paths->insert(path).first->c_str();  // elements of a set stay where they are
}

ModulePath::ModulePath(const char* path) : before_(current) {
  if (*path) current = path;
}
ModulePath::~ModulePath() { current = before_; }

}  // namespace ditharos
