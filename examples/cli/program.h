#pragma once
// The frame of every program: errors become one line on stderr and an exit status.
#include <functional>
#include <string>
#include <vector>

namespace ditharos::examples {

/// Returns what `program` returns. An exception becomes the line "name: message" on stderr and status 2 for a
/// ConfigError (bad usage), 1 for everything else. Status 1 too when standard output could not be written, unless its
/// reader is gone (`| head -1`): then the program goes on, writes its files and says no more.
int run_main(int argc, char** argv, const std::function<int(int argc, char** argv)>& program);

/// Prints each sentence as a line "note: ..." on stderr, one that was printed before left out.
void print_notes(const std::vector<std::string>& notes);

}  // namespace ditharos::examples
