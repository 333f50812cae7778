#pragma once
// Internal to models/zoo/.
// Named inputs of a model in the dtypes that it computes in. Each throws ConfigError for a missing input, and one with
// elements of another kind.
#include <string>

#include <ditharos/models/zoo/published_model.h>

namespace ditharos::models {

/// Numbers of any floating dtype, as f32.
[[nodiscard]] Tensor floats_input(const TensorsByName& inputs, const std::string& name);
/// Integers of any dtype, as i64.
[[nodiscard]] Tensor labels_input(const TensorsByName& inputs, const std::string& name);
/// t as f32 [batch], from numbers of any dtype. One time is that of all samples.
[[nodiscard]] Tensor times_input(const TensorsByName& inputs, int64_t batch);
/// mask as bool, from numbers of any dtype, of which 0 is false; undefined if there is none.
[[nodiscard]] Tensor mask_input(const TensorsByName& inputs);

}  // namespace ditharos::models
