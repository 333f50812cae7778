#include <ditharos/tensor/draws/default_generator.h>

namespace ditharos {
namespace {
constinit thread_local Generator* given_generator = nullptr;  // of the scopes of this thread
}  // namespace

Generator& default_generator() {
  thread_local Generator own;
  return given_generator ? *given_generator : own;
}

void manual_seed(uint64_t seed) { default_generator() = Generator(seed); }

DefaultGeneratorScope::DefaultGeneratorScope(Generator& rng) : before_(given_generator) { given_generator = &rng; }
DefaultGeneratorScope::~DefaultGeneratorScope() { given_generator = before_; }

}  // namespace ditharos
