#include <ditharos/training/distributed/gathered_state.h>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::training {
namespace {

constexpr int state_tag = 2;  // between those of the communicator and those of gradients

size_t bytes_in(const Tensor& tensor) { return size_t(tensor.numel()) * size_of(tensor.dtype()); }

char* bytes_at(const Tensor& tensor) {
  return visit_dtype(tensor.dtype(),
                     [&](auto zero) { return reinterpret_cast<char*>(tensor.mutable_data<decltype(zero)>()); });
}

void receive(Communicator& ranks, int from, const Tensor& into) {
  if (into.numel() > 0) ranks.wait(ranks.begin_receive(from, state_tag, bytes_at(into), bytes_in(into)));
}

void send(Communicator& ranks, const Tensor& tensor) {
  if (tensor.numel() > 0) ranks.wait(ranks.begin_send(0, state_tag, bytes_at(tensor), bytes_in(tensor)));
}

}  // namespace

void gather_on_root(Communicator& ranks, nn::NamedTensors& list, const std::vector<int>& keepers) {
  check(list.size() == keepers.size(), "[gather_on_root] ", list.size(), " tensors and ", keepers.size(), " keepers");
  for (size_t i = 0; i < list.size(); ++i) {
    if (keepers[i] == 0) continue;
    Tensor& tensor = list[i].tensor;
    if (ranks.is_root()) {
      tensor = empty(tensor.shape(), tensor.dtype());
      receive(ranks, keepers[i], tensor);
    } else if (keepers[i] == ranks.rank()) {
      send(ranks, tensor);
    }
  }
}

Tensor gather_rows_on_root(Communicator& ranks, const Tensor& rows) {
  if (ranks.size() == 1) return rows;
  const std::vector<std::string> counts = ranks.all_gather(bytes_of(std::vector<int64_t>{rows.defined() ? rows.size(0)
                                                                                                        : 0}));
  if (!rows.defined()) return {};
  const Tensor own = kernels::contiguous(rows);
  if (!ranks.is_root()) {
    send(ranks, own);
    return {};
  }
  std::vector<Tensor> parts{own};
  for (int rank = 1; rank < ranks.size(); ++rank) {
    Shape shape = own.shape();
    shape[0] = values_of_bytes<int64_t>(counts[size_t(rank)]).at(0);
    parts.push_back(empty(shape, own.dtype()));
    receive(ranks, rank, parts.back());
  }
  return kernels::cat(parts, 0);
}

}  // namespace ditharos::training
