#pragma once
// What a run learns from, in a few lines of text that go into its checkpoints: a resumed run compares them.
#include <string>

#include <ditharos/data/datasets/clip.h>
#include <ditharos/data/datasets/dataset.h>

namespace ditharos::training {

/// Lines "key = value": number and size of the images, each class with its number of images, and a checksum of
/// everything. Takes a pass over the images.
[[nodiscard]] std::string fingerprint_of(const data::Dataset& dataset);
/// Number of clips, and a checksum of what they and their captions are made from.
[[nodiscard]] std::string fingerprint_of(const data::ClipSource& source);

}  // namespace ditharos::training
