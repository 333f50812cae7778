#pragma once
// The variables of the environment that the library of faults reads; see faults.cpp for their values.

namespace ditharos::tests {

inline constexpr const char* fault_variable = "DITHAROS_FAULT";                ///< the call that fails
inline constexpr const char* fault_counts_variable = "DITHAROS_FAULT_COUNTS";  ///< the file for the numbers of calls

}  // namespace ditharos::tests
