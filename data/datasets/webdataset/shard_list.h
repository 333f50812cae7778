#pragma once
// Internal to data/datasets/.
// The shards of a WebDataset, by a path.
#include <string>
#include <vector>

#include <ditharos/data/datasets/dataset.h>

namespace ditharos::data {

struct ShardList {
  std::vector<std::string> paths;
  std::string folder;     ///< of the shards, where classes.txt may lie
  bool is_split = false;  ///< the shards are those of one split, and the other one has shards of its own
};

/// True for a .tar file, a pattern of .tar files, a directory with .tar files, and one whose sub-folders train and test
/// have some.
[[nodiscard]] bool is_shard_path(const std::string& path);

/// `path` is one .tar file; a pattern such as "shard-{000..009}.tar", one number for each shard, with leading zeros
/// where the first number has them; a directory, whose .tar files are taken in the order of their names' bytes; or a
/// directory with sub-folders train and test, of which `split` chooses one. Hidden files are passed over. IoError when
/// there are no such files, or when one is a symbolic link out of its directory.
[[nodiscard]] ShardList list_shards(const std::string& path, Split split);

}  // namespace ditharos::data
