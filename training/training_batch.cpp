#include <ditharos/training/training_batch.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/json.h>
#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/training/distributed/gathered_state.h>

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
  for (const TrainingBatch& batch : batches) parts.push_back({batch.data, batch.conditions, batch.first, batch.total});
  return parts;
}

std::vector<TrainingBatch> gather_batches(Communicator& ranks, std::vector<TrainingBatch> batches) {
  if (ranks.size() == 1) return batches;
  for (TrainingBatch& batch : batches) {
    if (batch.total == 0 || batch.data.size(0) == batch.total) continue;  // every rank has all of it
    const Tensor data = gather_rows_on_root(ranks, batch.data);
    const Tensor conditions = gather_rows_on_root(ranks, batch.conditions);
    std::vector<int64_t> indices;
    for (const std::string& bytes : ranks.all_gather(bytes_of(batch.indices)))
      for (const int64_t index : values_of_bytes<int64_t>(bytes)) indices.push_back(index);
    std::string own;  // each caption ends with a zero
    for (const std::string& caption : batch.captions) own += caption + '\0';
    std::vector<std::string> captions;
    for (const std::string& text : ranks.all_gather(own))
      for (size_t at = 0; at < text.size(); at += captions.back().size() + 1) captions.emplace_back(text.c_str() + at);
    if (ranks.is_root()) batch = {data, conditions, indices, captions};
  }
  return batches;
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
