#pragma once
// A training run in one file: everything that is needed to resume it with the same results as without a stop.
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
// Format 1 has one list of averages. Format 2 adds a list of further ones to the metadata, behind the count of the
// first one's updates, and parts 3, 4, ... for their tensors. A state without further averages is written as format 1,
// which older programs read.
//
// A reader checks the header, then the metadata, then each tensor against a CRC-32C; sizes and offsets must agree with
// each other and with the file's length before they decide an allocation.
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

/// The newest format that this library writes. It reads this one and all before it.
inline constexpr uint32_t checkpoint_format = 2;

/// The position of a stream of random numbers.
struct RandomStream {
  std::string name;  ///< its purpose: "noise"
  uint64_t seed = 0, offset = 0;
};

/// A moving average of the weights beside the first one.
struct Average {
  double decay = 0;
  int64_t updates = 0;
  nn::NamedTensors tensors = {};  ///< under the names of the model's
};

struct TrainState {
  std::string kind;                             ///< of model: "dit"
  std::map<std::string, std::string> metadata;  ///< anything else about the model or the run
  std::string configuration;                    ///< the resolved configuration, as text
  int64_t step = 0;                             ///< number of updates
  int64_t epoch = 0, position = 0;              ///< finished passes over the data, and samples of the present one
  std::vector<RandomStream> random;
  nn::NamedTensors model;  ///< parameters and buffers
  nn::NamedTensors ema;    ///< their averages, under the same names; empty without
  int64_t ema_updates = 0;
  std::vector<Average> more_averages = {};  ///< of other decays
  nn::NamedTensors optimizer;               ///< Optimizer::state(); empty without
};

/// Bytes of all tensors: the size of the state's file, but for its metadata.
[[nodiscard]] uint64_t payload_bytes(const TrainState& state);

/// Fills model, ema and optimizer with handles to the tensors that train (no copies). ema may be null.
void capture(TrainState& state, const nn::ModuleBase& model, const optim::Optimizer& optimizer,
             const optim::Ema* ema = nullptr);
/// The inverse of capture: copies the values. Checks all three lists first and throws naming missing, unexpected and
/// misshapen tensors; nothing has changed then. ema may be null: averages in the file are ignored. A tensor of the
/// model that has its value already is not written: other threads may be reading it, such as those of a loader that
/// encodes with a frozen autoencoder while the run goes back to a checkpoint.
void restore(const TrainState& state, nn::ModuleBase& model, optim::Optimizer& optimizer, optim::Ema* ema = nullptr);

/// Throws NotFiniteError for values that are not finite, naming the first tensor with such values, their number, and
/// the tensor's list.
void check_finite(const TrainState& state);

/// Writes `path` whole or not at all (AtomicFile): IoError leaves the old file as it was.
void save_checkpoint(const std::string& path, const TrainState& state);
/// Reads and checks a whole file; the tensors are fresh. IoError says what is wrong: the file, the tensor.
[[nodiscard]] TrainState load_checkpoint(const std::string& path);
/// The checks of load_checkpoint with little memory.
void verify_checkpoint(const std::string& path);

/// A tensor of a checkpoint, without its elements.
struct StoredTensor {
  std::string part;  ///< the list in TrainState: "model", "ema", "optimizer"
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  uint64_t bytes = 0;
};
/// What a checkpoint holds, without the elements of its tensors.
struct CheckpointContents {
  uint32_t format = 0;
  uint64_t file_bytes = 0;
  TrainState state;                   ///< with empty lists of tensors
  std::vector<StoredTensor> tensors;  ///< in the order of the file
};
/// Reads and checks header and metadata; the tensors are not read. IoError as from load_checkpoint.
[[nodiscard]] CheckpointContents read_contents(const std::string& path);

}  // namespace ditharos::training
