#pragma once
// A look at a set: some of its images side by side.
#include <string>

#include <ditharos/data/datasets/data_source.h>

namespace ditharos::data {

/// Writes samples of a source as one PNG: with classes, eight of each of the first twelve, under or beside their names;
/// else with captions, sixteen images beside theirs; else 64 images. They are evenly spaced in the order of the source,
/// in its native shape, or 64x64 where it has none. IoError naming the file, and what sample() throws.
void save_contact_grid(const std::string& path, const DataSource& source);

}  // namespace ditharos::data
