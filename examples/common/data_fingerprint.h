#pragma once
// What a run learns from, in a few lines of text that go into its checkpoints: a resumed run compares them.
#include <string>

#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/datasets/dataset.h>

namespace ditharos::examples {

/// Lines "key = value": number and size of the images, each class with its number of images, and a checksum of
/// everything. Takes a pass over the images.
std::string fingerprint_of(const data::Dataset& dataset);
/// Number of clips, and a checksum of what they and their captions are made from.
std::string fingerprint_of(const data::DataSource& source);

}  // namespace ditharos::examples
