#pragma once
#include <string>

#include "examples/by_hand/prepare.h"

namespace ditharos::by_hand {

/// What the article's misprinted shift changes: matrices and losses of the exercise with the correct and with the
/// printed shift, side by side as text.
std::string misprint_comparison(Options options);

}  // namespace ditharos::by_hand
