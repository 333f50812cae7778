#pragma once
// Internal to data/datasets/webdataset/.
// The samples in the shards of a WebDataset: members with one key that follow each other.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/datasets/folder_contents.h>

namespace ditharos::data {

struct ShardSample {
  uint32_t shard = 0;                         ///< in the list of paths
  uint64_t offset = 0, size = 0;              ///< of the image's bytes in the shard
  std::string key, image;                     ///< image: the name of its member
  std::optional<std::string> label, caption;  ///< as the shard has them
  std::string fault;                          ///< "" for a complete sample
};

struct ShardSamples {
  std::vector<ShardSample> samples;  ///< in the order of the shards and of their members
  UnreadFiles unread;                ///< members of no use
};

/// Reads the headers of all members, and the texts of labels and captions. The key of a member is its name up to the
/// first dot behind the last slash, its ending the rest, in any case: image_endings are images, .cls the class, .txt a
/// caption, and .json an object with "label" (a number or a string) and "text" or "caption". .cls and .txt come before
/// .json. Other endings and hidden names are counted in `unread`.
///
/// IoError with the path and the reason for a damaged archive, a key that stands at two places of a shard, and an
/// archive without samples. What is wrong with one sample alone is its `fault`, a sentence with the path: no image, two
/// images or labels, a text that is empty, too long or no UTF-8, or a label or caption missing that others have.
[[nodiscard]] ShardSamples read_shard_samples(const std::vector<std::string>& paths);

}  // namespace ditharos::data
