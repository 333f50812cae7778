#include <ditharos/training/distributed/shared_work.h>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/training/distributed/tensor_messages.h>

namespace ditharos::training {

std::vector<Tensor> share_work(Communicator* ranks, int64_t count, const std::function<Tensor(int64_t piece)>& work) {
  std::vector<Tensor> results;
  if (ranks == nullptr || ranks->size() == 1) {
    for (int64_t i = 0; i < count; ++i) results.push_back(work(i));
    return results;
  }
  const int64_t size = ranks->size();
  std::vector<Tensor> own;
  std::vector<int64_t> shapes;  // of each result: its rank, and its sizes
  for (int64_t i = ranks->rank(); i < count; i += size) {
    own.push_back(work(i));
    check<DTypeError>(own.back().dtype() == DType::f32 && own.back().is_contiguous(),
                      "[share_work] results must be contiguous and f32");
    shapes.push_back(own.back().rank());
    for (const int64_t n : own.back().shape()) shapes.push_back(n);
  }
  const std::vector<std::string> texts = ranks->gather(bytes_of(shapes));
  if (!ranks->is_root()) {
    for (const Tensor& result : own) send_tensor(*ranks, 0, work_tag, result);
    return {};
  }
  std::vector<std::vector<int64_t>> sizes;
  for (const std::string& text : texts) sizes.push_back(values_of_bytes<int64_t>(text));
  std::vector<size_t> at(sizes.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    const int from = int(i % size);
    const std::vector<int64_t>& list = sizes[size_t(from)];
    size_t& k = at[size_t(from)];
    Shape shape;
    for (int64_t axes = list.at(k++); axes > 0; --axes) shape.push_back(list.at(k++));
    if (from == 0) {
      results.push_back(own[size_t(i / size)]);
      continue;
    }
    results.push_back(empty(shape));
    receive_tensor(*ranks, from, work_tag, results.back());
  }
  return results;
}

}  // namespace ditharos::training
