#include <ditharos/training/distributed/gathered_state.h>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/training/distributed/tensor_messages.h>

namespace ditharos::training {

void gather_on_root(Communicator& ranks, nn::NamedTensors& list, const std::vector<int>& keepers) {
  check(list.size() == keepers.size(), "[gather_on_root] ", list.size(), " tensors and ", keepers.size(), " keepers");
  for (size_t i = 0; i < list.size(); ++i) {
    if (keepers[i] == 0) continue;
    Tensor& tensor = list[i].tensor;
    if (ranks.is_root()) {
      tensor = empty(tensor.shape(), tensor.dtype());
      receive_tensor(ranks, keepers[i], state_tag, tensor);
    } else if (keepers[i] == ranks.rank()) {
      send_tensor(ranks, 0, state_tag, tensor);
    }
  }
}

Tensor gather_rows_on_root(Communicator& ranks, const Tensor& rows) {
  if (ranks.size() == 1) return rows;
  const std::vector<std::string> counts =
      ranks.all_gather(bytes_of(std::vector<int64_t>{rows.defined() ? rows.size(0) : 0}));
  if (!rows.defined()) return {};
  const Tensor own = kernels::contiguous(rows);
  if (!ranks.is_root()) {
    send_tensor(ranks, 0, state_tag, own);
    return {};
  }
  std::vector<Tensor> parts{own};
  for (int rank = 1; rank < ranks.size(); ++rank) {
    Shape shape = own.shape();
    shape[0] = values_of_bytes<int64_t>(counts[size_t(rank)]).at(0);
    parts.push_back(empty(shape, own.dtype()));
    receive_tensor(ranks, rank, state_tag, parts.back());
  }
  return kernels::cat(parts, 0);
}

}  // namespace ditharos::training
