#pragma once
// A trace as text: every section under its number, its matrices side by side.
#include <string>

#include "examples/by_hand/trace.h"

namespace ditharos::by_hand {

/// The whole trace, in lines of about 110 characters. Numbers of the article are followed by *, misprints by !. Of a
/// matrix with more than 16 rows or columns (or 80 characters) the first ones are shown, and how many are left out.
std::string print(const Trace& trace);

}  // namespace ditharos::by_hand
