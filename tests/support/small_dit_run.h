#pragma once
// A tiny diffusion transformer that train_dit trained on a tiny folder of images: what tests of programs sample from.
#include <string>
#include <vector>

#include "tests/support/run_program.h"

namespace ditharos::tests {

/// Writes `count` gray images of 8x8 pixels into `folder`/NAME for each name of a folder.
void write_images(const std::string& folder, const std::vector<std::string>& names, int count = 10);

/// The flags of the tiny model: two steps, nothing that takes time.
Arguments small_dit_flags(const std::string& data, const std::string& out);

/// Trains it on folders of these names; the outcome must be 0. Returns the run folder, `folder`/run.
std::string train_small_dit(const std::string& folder, const std::vector<std::string>& names);

/// The arguments of sample_dit for it: two steps of sampling, one image a class, then `more`.
Arguments sampling_flags(const std::string& run, const std::string& out, const Arguments& more = {});

}  // namespace ditharos::tests
