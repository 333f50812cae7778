#pragma once
// Internal to tensor/.
// How many threads parallel loops use by default. Only tensor/parallel.cpp uses this.

namespace ditharos {

/// At most `quota` (in cores) of so many cores, rounded down to whole cores, but one at least: the kernel stops all
/// threads of a process that has used up its quota, in the middle of a loop.
int cores_within(int cores, double quota);

/// The threads to use: `requested` (the value of DITHAROS_NUM_THREADS), else the first number of `openmp` (that of
/// OMP_NUM_THREADS, at most 1024), else `cores` within `quota`. Null stands for a variable that is not set. Throws
/// ConfigError when `requested` is not a number from 1 to 1024; an `openmp` without a positive number is ignored, as
/// the OpenMP runtime ignores it.
int thread_count(const char* requested, const char* openmp, int cores, double quota);

}  // namespace ditharos
