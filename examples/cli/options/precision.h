#pragma once
// The setting of the precision of products.
#include <utility>
#include <vector>

#include <ditharos/autograd/autocast.h>

namespace ditharos::examples {

/// Of the key `precision`.
extern const char* const precision_help;
extern const std::vector<std::pair<const char*, Precision>> precision_names;

/// Prints what the setting means on this machine, unless it is f32.
void say_precision(Precision precision);

}  // namespace ditharos::examples
