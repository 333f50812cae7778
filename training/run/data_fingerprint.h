#pragma once
// What a run learns from, in a few lines of text that go into its checkpoints: a resumed run compares them.
#include <string>

#include <ditharos/data/datasets/data_source.h>

namespace ditharos::training {

/// Lines "key = value". Of images: their number and size, each class with its number of images, and a checksum of all.
/// Of clips: their number, and a checksum of what they and their captions are made from. Takes a pass over them.
[[nodiscard]] std::string fingerprint_of(const data::DataSource& source);

}  // namespace ditharos::training
