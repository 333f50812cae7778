#pragma once
// What a model of the zoo costs, computed from its configuration; nothing is allocated.
#include <cstdint>

#include <ditharos/models/zoo/model_config.h>

namespace ditharos::models {

struct ModelCost {
  int64_t parameters = 0;       ///< elements that are trained
  int64_t stored = 0;           ///< those, and position tables
  int64_t macs = 0;             ///< multiply-accumulates of one sample
  int64_t bytes_to_train = 0;   ///< of weights, gradients, AdamW's two moments and moving averages, in f32
  int64_t bytes_to_sample = 0;  ///< of weights in f32
};
/// Bytes are those of parameters; activations, which grow with the batch, are not in them. macs are those of a forward
/// pass at the size of the configuration; of an autoencoder those of decoding an image of 256x256, of a T5 encoder
/// those of 120 tokens.
[[nodiscard]] ModelCost model_cost(const ModelConfig& config);

}  // namespace ditharos::models
