#include <ditharos/autograd/grad_mode.h>

namespace ditharos {
namespace {
thread_local bool enabled = true;
}

bool grad_enabled() { return enabled; }

GradMode::GradMode(bool on) : before_(enabled) { enabled = on; }
GradMode::~GradMode() { enabled = before_; }

}  // namespace ditharos
