#pragma once
// Internal to tensor/io/.
// The tensors of a torch.save archive: what its pickle says about them, and their records of bytes.
#include <map>
#include <memory>
#include <string>

#include <ditharos/tensor/io/torch/pickle.h>
#include <ditharos/tensor/io/torch/zip_archive.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos {

class TensorRecords {
 public:
  /// Records are the entries of `archive` whose names begin with `prefix`. `mapped` is the archive's file in memory, of
  /// which storages become parts where that is possible; null: all are copied. The first two arguments must outlive
  /// this.
  TensorRecords(const pickle::Document& document, const ZipArchive& archive, std::string prefix,
                std::shared_ptr<char> mapped)
      : document_(document), archive_(archive), prefix_(std::move(prefix)), mapped_(std::move(mapped)) {}

  /// The tensor that `value`, of the kind tensor or tensor_v3, describes: a view of its storage, which is read once.
  /// IoError names the tensor and what is wrong.
  Tensor read(const std::string& name, const pickle::Value& value);

 private:
  struct Record {
    std::shared_ptr<Storage> storage;
    DType dtype = DType::f32;
  };
  /// The storage that a persistent id names, with elements of `dtype`.
  const Record& record(const std::string& name, const std::string& key, uint64_t elements, DType dtype);
  std::shared_ptr<Storage> storage(const std::string& entry_name, const ZipArchive::Entry& entry, DType dtype) const;

  const pickle::Document& document_;
  const ZipArchive& archive_;
  std::string prefix_;
  std::shared_ptr<char> mapped_;
  std::map<std::string, Record> records_;
};

}  // namespace ditharos
