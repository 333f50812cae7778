#pragma once
// The command zoo sample.

namespace ditharos::examples {

/// Samples images of classes with published weights and writes them as one PNG; argv[0] is the command's name. Returns
/// the exit status.
int sample(int argc, char** argv);

}  // namespace ditharos::examples
