#pragma once
// A training run in one file: everything that a later run needs to go on as if it had never stopped.
//
//   bytes 0-7    "ditharos"
//         8-11   format version, u32; all numbers are little-endian
//        12-15   CRC-32C of the metadata
//        16-23   length of the metadata, u64
//        24-27   CRC-32C of bytes 0-23
//        28-31   zero
//        32-     metadata: one record in cereal's portable binary archive (checkpoint_record.h), zeros up to a
//                multiple of 64; then the elements of each tensor, row-major, each tensor padded alike
//
// A reader checks the header, then the metadata, then each tensor against a CRC-32C; sizes and places must agree with
// each other and with the file's length before anything is allocated from them.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ditharos/nn/module.h>

namespace ditharos::optim {
class Ema;
class Optimizer;
}  // namespace ditharos::optim

namespace ditharos::training {

/// The format that this library writes. It reads this one and all before it.
inline constexpr uint32_t checkpoint_format = 1;

/// Where a stream of random numbers stands.
struct RandomStream {
  std::string name;  ///< what it is for: "noise"
  uint64_t seed = 0, offset = 0;
};

struct TrainState {
  std::string kind;                             ///< of model: "dit"
  std::map<std::string, std::string> metadata;  ///< anything else about the model or the run
  std::string configuration;                    ///< the resolved configuration, as text
  int64_t step = 0;                             ///< updates made
  int64_t epoch = 0, position = 0;              ///< of the data: passes made, examples taken from the present one
  std::vector<RandomStream> random;
  nn::NamedTensors model;                       ///< parameters and buffers
  nn::NamedTensors ema;                         ///< their averages, under the same names; empty without
  int64_t ema_updates = 0;
  nn::NamedTensors optimizer;                   ///< Optimizer::state(); empty without
};

/// Fills model, ema and optimizer with handles to the tensors that train (no copies). ema may be null.
void capture(TrainState& state, const nn::ModuleBase& model, const optim::Optimizer& optimizer, const optim::Ema* ema);
/// The way back: copies the values. Checks all three first and throws naming missing, unexpected and misshapen
/// tensors; nothing has changed then. ema may be null: averages in the file are passed over.
void restore(const TrainState& state, nn::ModuleBase& model, optim::Optimizer& optimizer, optim::Ema* ema);

/// Throws Error that names the first tensor with values that are not finite, how many they are, and the list that it is
/// of.
void check_finite(const TrainState& state);

/// Writes `path` whole or not at all (AtomicFile): IoError leaves the old file as it was.
void save_checkpoint(const std::string& path, const TrainState& state);
/// Reads and checks a whole file; the tensors are fresh. IoError says what is wrong: the file, the tensor.
[[nodiscard]] TrainState load_checkpoint(const std::string& path);
/// The checks of load_checkpoint with little memory.
void verify_checkpoint(const std::string& path);

}  // namespace ditharos::training
