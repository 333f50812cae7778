#pragma once
// A run's data in a few lines of text, which are stored in its checkpoints and compared when it is resumed.
#include <string>

#include <ditharos/data/datasets/data_source.h>

namespace ditharos::training {

/// Lines "key = value". Of images: their number and size, each class with its number of images, and a checksum of all.
/// Of clips: their number, and DataSource::checksum(). Takes a pass over the samples.
[[nodiscard]] std::string fingerprint_of(const data::DataSource& source);

}  // namespace ditharos::training
