#pragma once
// Internal to data/datasets/images/.
// Lists of images in the layout of Hugging Face's imagefolder: metadata.jsonl or metadata.csv beside the images.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ditharos::data {

struct MetadataRow {
  std::string file;  ///< relative to the list's folder
  std::optional<std::string> text, label;
  bool numeric = false;  ///< the label is a whole number
  int64_t line = 0;      ///< of the list, from 1
};

/// The path of a directory's metadata.jsonl or metadata.csv; "" when it has neither. IoError when it has both.
[[nodiscard]] std::string metadata_path(const std::string& directory);

/// The rows of such a list, in order. A line of metadata.jsonl is an object with the strings "file_name" and "text",
/// and "label", a string or a whole number; metadata.csv has columns of these names, in which the labels are numbers
/// where all of them are. Other keys and columns are ignored. Every row has the same of text and label, and one of them
/// at least. IoError, with file:line, for a wrong row, a name that leads out of the folder, and a list without rows.
[[nodiscard]] std::vector<MetadataRow> read_metadata(const std::string& path);

}  // namespace ditharos::data
