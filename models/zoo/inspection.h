#pragma once
// What a file of weights holds, as text.
#include <string>

#include <ditharos/models/zoo/published_model.h>

namespace ditharos::models {

/// A table of the tensors (name, shape, dtype, elements), then lines that say which model of the zoo it is, in which
/// layout, what was assumed, and what does not fit.
[[nodiscard]] std::string inspect_tensors(const TensorsByName& tensors, const RecognitionHints& hints = {});

/// The lines about a recognised model: family and name, layout, parameters, configuration.
[[nodiscard]] std::string describe_model(const RecognizedModel& model);

/// A table of all models of the zoo: parameters, GMACs of a forward pass, bytes to train and to sample (ModelCost), and
/// what each is tested against.
[[nodiscard]] std::string zoo_table();

}  // namespace ditharos::models
