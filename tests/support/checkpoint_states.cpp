#include "tests/support/checkpoint_states.h"

#include <cstring>
#include <limits>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::tests {
namespace {

// f32 elements 0.5, 1.5, ... of that shape, converted.
Tensor counting(const Shape& shape, DType dtype) {
  std::vector<float> values;
  for (int64_t i = 0; i < numel(shape); ++i) values.push_back(float(i) + 0.5f);
  return kernels::to(from_vector(values, shape), dtype);
}

std::string first_difference(const char* part, const nn::NamedTensors& a, const nn::NamedTensors& b) {
  if (a.size() != b.size()) return std::string(part) + " has another number of tensors";
  for (size_t i = 0; i < a.size(); ++i) {
    const Tensor x = kernels::contiguous(a[i].tensor), y = kernels::contiguous(b[i].tensor);
    const bool alike = a[i].name == b[i].name && x.shape() == y.shape() && x.dtype() == y.dtype();
    if (!alike) return std::string(part) + " " + a[i].name + " has another name, shape or dtype";
    const size_t bytes = size_t(x.numel()) * size_of(x.dtype());
    const bool same = visit_dtype(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      return bytes == 0 || std::memcmp(x.data<T>(), y.data<T>(), bytes) == 0;
    });
    if (!same) return std::string(part) + " " + a[i].name + " has other values";
  }
  return "";
}

}  // namespace

training::TrainState fixture_state() {
  training::TrainState s;
  s.kind = "dit";
  s.metadata = {{"classes", "10"}, {"note", "caf\xc3\xa9"}};
  s.configuration = "[train]\nsteps = 100\n";
  s.step = 42;
  s.epoch = 3;
  s.position = 1234567890123;
  s.random = {{"noise", 7, 11}, {"data", std::numeric_limits<uint64_t>::max(), 0}};
  s.model = {{"blocks.0.attn.qkv.weight", counting({3, 2}, DType::f32)},
             {"blocks.0.attn.qkv.bias", counting({3}, DType::bf16)},
             {"positions", counting({4, 2}, DType::f32).transpose(0, 1)},
             {"empty", zeros({0, 5})},
             {"mask", from_vector<uint8_t>({0, 1, 1})},
             {"flags", kernels::to(from_vector<uint8_t>({0, 1, 1}), DType::boolean)}};
  s.ema = {{"blocks.0.attn.qkv.weight", counting({3, 2}, DType::f64)}};
  s.ema_updates = 42;
  s.optimizer = {{"blocks.0.attn.qkv.weight/step", scalar(42, DType::i64)},
                 {"blocks.0.attn.qkv.weight/exp_avg", full({3, 2}, -1e-3)},
                 {"counts", counting({17}, DType::i32)}};
  return s;
}

training::TrainState fixture_state_2() {
  training::TrainState s = fixture_state();
  s.more_averages = {{.5, 42, {{"blocks.0.attn.qkv.weight", counting({3, 2}, DType::f32)}}},
                     {.999, 41, {{"blocks.0.attn.qkv.weight", full({3, 2}, -2.5)}, {"empty", zeros({0, 5})}}}};
  return s;
}

training::TrainState state_at(int64_t step, int64_t elements) {
  training::TrainState s;
  s.kind = "toy";
  s.step = step;
  s.model = {{"weight", full({elements}, double(step))}, {"bias", full({3}, double(step))}};
  s.optimizer = {{"weight/step", scalar(double(step), DType::i64)}};
  return s;
}

std::string first_difference(const training::TrainState& a, const training::TrainState& b) {
  const bool same = a.kind == b.kind && a.metadata == b.metadata && a.configuration == b.configuration &&
                    a.step == b.step && a.epoch == b.epoch && a.position == b.position &&
                    a.ema_updates == b.ema_updates && a.random.size() == b.random.size() &&
                    a.more_averages.size() == b.more_averages.size();
  if (!same) return "texts or counters differ";
  for (size_t i = 0; i < a.random.size(); ++i) {
    const auto &x = a.random[i], &y = b.random[i];
    if (x.name != y.name || x.seed != y.seed || x.offset != y.offset) return "random streams differ";
  }
  std::string difference = first_difference("model", a.model, b.model);
  if (difference.empty()) difference = first_difference("ema", a.ema, b.ema);
  for (size_t i = 0; i < a.more_averages.size() && difference.empty(); ++i) {
    const training::Average &x = a.more_averages[i], &y = b.more_averages[i];
    if (x.decay != y.decay || x.updates != y.updates) return "the counts of an average differ";
    difference = first_difference("average", x.tensors, y.tensors);
  }
  return difference.empty() ? first_difference("optimizer", a.optimizer, b.optimizer) : difference;
}

}  // namespace ditharos::tests
