#pragma once
// A trace as text: every section under its number, its matrices side by side.
#include <string>

#include "examples/by_hand/trace.h"

namespace ditharos::by_hand {

/// The whole trace, in lines of about 110 characters. Numbers of the article are followed by *, misprints by !. A
/// matrix with more than 16 rows or columns (or 80 characters) is truncated; the number of omitted ones is shown.
std::string print(const Trace& trace);

}  // namespace ditharos::by_hand
