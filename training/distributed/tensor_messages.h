#pragma once
// Internal to training/.
// Contiguous tensors as messages between ranks, and the tags of all messages.
#include <cstddef>
#include <cstdint>

#include <ditharos/tensor/tensor.h>
#include <ditharos/training/distributed/communicator.h>

namespace ditharos::training {

/// Those of the communicator's own texts, of a training state, of shared work, and from first_gradient on one for each
/// bucket of gradients and each parameter.
enum Tag : int { frame_tag, rest_tag, state_tag, work_tag, first_gradient_tag = 16 };

[[nodiscard]] inline size_t byte_count(const Tensor& tensor) {
  return size_t(tensor.numel()) * size_of(tensor.dtype());
}
/// The elements from number `element` on, to be read or written.
[[nodiscard]] inline char* bytes_at(const Tensor& tensor, int64_t element = 0) {
  return visit_dtype(tensor.dtype(), [&](auto zero) {
    return reinterpret_cast<char*>(tensor.mutable_data<decltype(zero)>() + element);
  });
}

/// Sends or receives all elements and waits for the message. Nothing happens for a tensor without elements.
inline void send_tensor(Communicator& ranks, int to, Tag tag, const Tensor& tensor) {
  if (tensor.numel() > 0) ranks.wait(ranks.begin_send(to, tag, bytes_at(tensor), byte_count(tensor)));
}
inline void receive_tensor(Communicator& ranks, int from, Tag tag, const Tensor& into) {
  if (into.numel() > 0) ranks.wait(ranks.begin_receive(from, tag, bytes_at(into), byte_count(into)));
}

}  // namespace ditharos::training
