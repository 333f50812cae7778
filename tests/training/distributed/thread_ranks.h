#pragma once
// Ranks that are threads of the test, for what needs several of them without MPI.
#include <functional>

#include <ditharos/training/distributed/communicator.h>

namespace ditharos::tests {

/// Runs f on `size` threads, each with the communicator of one rank, and waits for all of them. When one throws, the
/// others throw at their next wait, and the first exception comes out here.
void run_ranks(int size, const std::function<void(training::Communicator& ranks)>& f);

}  // namespace ditharos::tests
