#pragma once
// The peak resident memory of the process, as the system counts it.
#include <cstddef>

namespace ditharos::bench {

/// Largest resident size since the start or the last reset, in bytes; 0 where /proc does not tell.
size_t system_peak();
/// Starts counting anew. Without effect where the system does not offer it: then the peak is that of all cases so far.
void reset_system_peak();

}  // namespace ditharos::bench
