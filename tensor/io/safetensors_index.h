#pragma once
// Models whose tensors are divided among several safetensors files, the shards. A JSON file, the index
// MODEL.safetensors.index.json, says where each tensor is:
//
//   {"metadata": {"total_size": 1234}, "weight_map": {"blocks.0.weight": "model-00001-of-00002.safetensors", ...}}
#include <string>

#include <ditharos/tensor/io/safetensors.h>

namespace ditharos::safetensors {

/// Reads an index and all of its shards, which are files in the index's own folder. The metadata are the texts and
/// whole numbers of the index's "metadata", and those of the shards where no key is repeated. IoError names the path
/// and the fault: an index that is no such JSON, a shard with a path instead of a file name, a shard that is no valid
/// safetensors file, a tensor that is not in the shard where it should be, and a tensor in a shard that the index does
/// not mention there.
[[nodiscard]] Contents load_index(const std::string& path, LoadMode mode = LoadMode::map);

}  // namespace ditharos::safetensors
