#include <ditharos/nn/skip_init.h>

namespace ditharos::nn {
namespace {
thread_local bool skip = false;
}  // namespace

SkipInit::SkipInit() : before_(skip) { skip = true; }
SkipInit::~SkipInit() { skip = before_; }
bool skips_init() { return skip; }

}  // namespace ditharos::nn
