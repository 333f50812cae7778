#pragma once
// Internal to training/.
// The metadata of a checkpoint as a plain record, and its bytes.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/tensor/dtype.h>
#include <ditharos/tensor/shape.h>
#include <ditharos/training/checkpoint/checkpoint.h>

namespace ditharos::training {

/// Limits what a reader allocates for a forged file; far above the need of any real model.
inline constexpr uint64_t max_record_bytes = 8u << 20;
inline constexpr uint64_t max_entries = 1u << 15;  // of tensors, settings, random streams each
inline constexpr uint64_t payload_alignment = 64;

inline constexpr uint64_t max_more_averages = 16;

/// Which list of the TrainState a tensor belongs to. The numbers are part of the format: more_averages + i stands for
/// TrainState::more_averages[i].
enum class Part : uint8_t { model, ema, optimizer, more_averages };
inline const char* name_of(Part part) {
  constexpr const char* names[] = {"model", "ema", "optimizer", "further averages"};
  return names[part < Part::more_averages ? static_cast<int>(part) : static_cast<int>(Part::more_averages)];
}

struct TensorRecord {
  Part part = Part::model;
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  uint64_t offset = 0;  // of the first element, from the file's start
  uint64_t bytes = 0;   // of the elements, without padding
  uint32_t crc = 0;
};

struct CheckpointRecord {
  TrainState state;  // with empty lists of tensors
  std::vector<TensorRecord> tensors;
};

/// The version of the format in which the state is written: the oldest that holds it.
inline uint32_t format_of(const TrainState& state) { return state.more_averages.empty() ? 1 : 2; }
/// The bytes of the record in that version.
std::string encode(CheckpointRecord record);
/// Throws IoError for bytes that encode() cannot have written ("it ends early"). Allocates in proportion to the number
/// of bytes, whatever counts they claim.
CheckpointRecord decode(std::string bytes, uint32_t format);

}  // namespace ditharos::training
