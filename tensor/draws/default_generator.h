#pragma once
// The generator of draws for which the caller gives none: dropout in modules, and initial values.
//
// Each thread has its own, so that what a thread draws does not depend on the others. Draws inside of checkpoint() are
// replayed in the backward pass like those of any generator.
#include <cstdint>

#include <ditharos/tensor/random.h>

namespace ditharos {

/// The default generator of this thread: Generator(0) at first. Its seed and offset are its whole state:
/// `const Generator state = default_generator();` saves it, `default_generator() = state;` restores it.
[[nodiscard]] Generator& default_generator();

/// default_generator() = Generator(seed).
void manual_seed(uint64_t seed);

/// In this scope, `rng` is the default generator of this thread.
class DefaultGeneratorScope {
 public:
  explicit DefaultGeneratorScope(Generator& rng);
  ~DefaultGeneratorScope();
  DefaultGeneratorScope(const DefaultGeneratorScope&) = delete;
  DefaultGeneratorScope& operator=(const DefaultGeneratorScope&) = delete;

 private:
  Generator* before_;
};

}  // namespace ditharos
