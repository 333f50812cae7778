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

/// Which list of the TrainState a tensor belongs to. The numbers are part of the format.
enum class Part : uint8_t { model, ema, optimizer };
inline const char* name_of(Part part) {
  constexpr const char* names[] = {"model", "ema", "optimizer"};
  return names[static_cast<int>(part)];
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

std::string encode(CheckpointRecord record);
/// Throws IoError for bytes that encode() cannot have written ("it ends early"). Allocates in proportion to the number
/// of bytes, whatever counts they claim.
CheckpointRecord decode(std::string bytes);

}  // namespace ditharos::training
