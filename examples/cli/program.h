#pragma once
// The main function of every program: errors become one line on stderr and an exit status.
#include <functional>
#include <string>
#include <vector>

namespace ditharos::examples {

/// Returns what `program` returns. An exception becomes the line "name: message" on stderr and status 2 for a
/// ConfigError (bad usage), `error_status` for any other Error, 1 for everything else. Status 1 too when standard
/// output could not be written. When the reader of a pipe has ended (`| head -1`), the program continues without output
/// and writes its files.
int run_main(int argc, char** argv, const std::function<int(int argc, char** argv)>& program,
             int error_status = 1);

/// Prints each sentence as a line "note: ..." on stderr, unless it was printed before.
void print_notes(const std::vector<std::string>& notes);

}  // namespace ditharos::examples
