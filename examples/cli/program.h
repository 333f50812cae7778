#pragma once
// The main function of every program: errors become one line on stderr and an exit status.
#include <functional>
#include <string>
#include <vector>

#include <ditharos/training/distributed/communicator.h>

namespace ditharos::examples {

/// The processes that a launcher such as mpirun started with this one, or this one alone. Rank 0 alone prints from then
/// on; an error of any rank ends all of them, see run_main(). Call it before anything is printed.
[[nodiscard]] training::Communicator& join_ranks();
/// Whether this process prints notes: it is rank 0, or one process alone.
[[nodiscard]] bool is_speaker();
/// Sets the number of threads: `threads`, or, where that is 0, an equal part of the cores for each rank on the machine.
void settle_threads(int threads);

/// Returns what `program` returns. An exception becomes the line "name: message" on stderr and status 2 for a
/// ConfigError (bad usage), `error_status` for any other Error, 1 for everything else. Status 1 too when standard
/// output could not be written. When the reader of a pipe has ended (`| head -1`), the program continues without output
/// and writes its files. One of several ranks ends the others as well.
int run_main(int argc, char** argv, const std::function<int(int argc, char** argv)>& program, int error_status = 1);

/// Prints each sentence as a line "note: ..." on stderr, unless it was printed before.
void print_notes(const std::vector<std::string>& notes);

}  // namespace ditharos::examples
