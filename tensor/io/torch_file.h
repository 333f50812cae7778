#pragma once
// Files of PyTorch's torch.save (.pt, .pth, .ckpt): state dicts, alone or in a checkpoint.
//
// Such a file is a zip archive with a pickle and a record of bytes for each storage. A pickle may call any function of
// Python. This reader calls none: it understands what state dicts consist of (tensor/io/torch/pickle_globals.h) and
// refuses everything else by its name.
#include <map>
#include <string>
#include <vector>

#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::torch_file {

/// The entries of a checkpoint that are taken for a state dict, the first that is there: "ema", "model_ema",
/// "state_dict_ema", "model", "state_dict", "model_state_dict", "module". Averaged weights come first, because they are
/// the ones that samples are drawn with.
[[nodiscard]] const std::vector<std::string>& state_dict_names();

struct Options {
  /// The entry of the checkpoint whose tensors are read: "model", or "a/b" for the entry b of the entry a. Empty: the
  /// file itself if it holds tensors, else the first of state_dict_names().
  std::string state_dict = {};
  LoadMode mode = LoadMode::map;
};

struct Contents {
  std::map<std::string, Tensor> tensors;
  /// The entry that was read; empty: the file itself.
  std::string state_dict;
  /// The other entries that hold tensors by name, for Options::state_dict, sorted.
  std::vector<std::string> others;
  /// Names of the state dict whose values are no tensors, which were skipped; sorted.
  std::vector<std::string> skipped;
};

/// Reads one state dict. Tensors that share a storage share it here too, and keep their strides; only the storages of
/// this state dict are read, each against its CRC-32. Nothing in the file is trusted: IoError names the path and what
/// was wrong. Refused are globals that a state dict does not need, archives that are compressed to less than half of
/// their contents, tensors that are larger than their storage, dtypes other than f32, f64, bf16, f16, i64, i32, u8 and
/// bool, files of a big-endian machine, TorchScript archives, and files of PyTorch before 1.6, which are no zip
/// archives.
[[nodiscard]] Contents load(const std::string& path, const Options& options = {});

}  // namespace ditharos::torch_file
