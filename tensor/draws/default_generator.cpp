#include <ditharos/tensor/draws/default_generator.h>

namespace ditharos {
namespace {
constinit thread_local Generator* innermost = nullptr;  // of the scopes of this thread
}  // namespace

Generator& default_generator() {
  thread_local Generator own;
  return innermost ? *innermost : own;
}

void manual_seed(uint64_t seed) { default_generator() = Generator(seed); }

DefaultGeneratorScope::DefaultGeneratorScope(Generator& rng) : before_(innermost) { innermost = &rng; }
DefaultGeneratorScope::~DefaultGeneratorScope() { innermost = before_; }

}  // namespace ditharos
