#include <ditharos/autograd/module_path.h>

#include <mutex>
#include <unordered_set>

namespace ditharos {
namespace {
constinit thread_local const char* current_path = "";
}

const char* current_module_path() { return current_path; }

const char* intern_path(const std::string& path) {
  static std::mutex mutex;
  static auto* paths = new std::unordered_set<std::string>;  // never destroyed: a static tensor's graph may name a path
  const std::lock_guard lock(mutex);
  return paths->insert(path).first->c_str();  // elements of a set stay where they are
}

ModulePath::ModulePath(const char* path) : before_(current_path) {
  if (*path) current_path = path;
}
ModulePath::~ModulePath() { current_path = before_; }

}  // namespace ditharos
