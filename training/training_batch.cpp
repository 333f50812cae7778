#include <ditharos/training/training_batch.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/json.h>
#include <ditharos/tensor/io/safetensors.h>

namespace ditharos::training {
namespace {

namespace fs = std::filesystem;

std::string json_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + json_string(text);
  return "[" + list + "]";
}

}  // namespace

std::vector<MicroBatch> micro_batches(const std::vector<TrainingBatch>& batches) {
  std::vector<MicroBatch> parts;
  for (const TrainingBatch& batch : batches) parts.push_back({batch.data, batch.conditions});
  return parts;
}

std::string save_batch(const std::string& folder, int64_t step, const std::vector<TrainingBatch>& batches,
                       const std::string& reason, int64_t most) {
  std::error_code error;
  fs::create_directories(folder, error);
  check<IoError>(!error, "cannot make the folder ", folder, ": ", error.message());
  std::string digits = std::to_string(step);
  if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
  const std::string path = folder + "/step_" + digits + ".safetensors";
  const fs::directory_iterator files(folder, error);
  check<IoError>(!error, "cannot list ", folder, ": ", error.message());
  if (!fs::exists(path, error) && std::distance(begin(files), end(files)) >= most) return "";
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata{{"step", std::to_string(step)}, {"reason", reason}};
  for (size_t j = 0; j < batches.size(); ++j) {
    const TrainingBatch& batch = batches[j];
    const std::string number = batches.size() == 1 ? "" : "." + std::to_string(j);
    tensors["samples" + number] = batch.data.detach();
    if (batch.conditions.defined()) tensors["conditions" + number] = batch.conditions;
    if (!batch.indices.empty()) tensors["indices" + number] = from_vector(batch.indices);
    if (!batch.captions.empty()) metadata["captions" + number] = json_list(batch.captions);
  }
  safetensors::save(path, tensors, metadata);
  return path;
}

}  // namespace ditharos::training
