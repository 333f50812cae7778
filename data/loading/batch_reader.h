#pragma once
// Internal to data/loading/.
// Reads the samples of a batch one at a time, on any threads.
#include <cstdint>
#include <vector>

#include <ditharos/data/loading/batch.h>

namespace ditharos::data {

class BatchReader {
 public:
  /// The batch that read_batch describes, before its samples are read. `source` must outlive this object.
  BatchReader(const DataSource& source, const SampleShape& shape, std::vector<int64_t> indices,
              std::vector<bool> mirrored);

  int64_t size() const { return static_cast<int64_t>(batch_.indices.size()); }
  /// Reads sample k of the batch with its label and caption. Different samples may be read at the same time.
  void read(int64_t k);
  /// The batch, after every sample was read. Call it once.
  Batch take() { return std::move(batch_); }

 private:
  const DataSource* source_;
  std::vector<bool> mirrored_;
  int64_t rows_;  // of a sample: F * C * H
  Batch batch_;
  float* samples_ = nullptr;
  int64_t* labels_ = nullptr;
};

}  // namespace ditharos::data
