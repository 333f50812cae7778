#pragma once
// Internal to training/.
// Ranks that are processes of MPI.
#include <memory>

#include <ditharos/training/distributed/communicator.h>

namespace ditharos::training {

/// Starts MPI and returns the ranks of MPI_COMM_WORLD; null in a library that was built without MPI. The destructor
/// ends MPI, for which all ranks wait. Error when MPI cannot be started.
[[nodiscard]] std::unique_ptr<Communicator> start_mpi();

}  // namespace ditharos::training
