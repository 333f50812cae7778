#include <ditharos/autograd/grad_mode.h>

#include <ditharos/autograd/dual.h>

namespace ditharos {

bool grad_enabled() { return differentiation_mode.recording; }

bool differentiating() { return differentiation_mode.recording || active_level(); }

GradMode::GradMode(bool on)
    : recording_before_(differentiation_mode.recording), constants_before_(differentiation_mode.constants) {
  differentiation_mode.recording = on;
  differentiation_mode.constants = !on;
}

GradMode::~GradMode() {
  differentiation_mode.recording = recording_before_;
  differentiation_mode.constants = constants_before_;
}

}  // namespace ditharos
