#pragma once
// The tensors that an operation saves for its backward pass.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// Which tensors the backward rule reads: none, the output, all inputs or some of them, combined with |, as in
/// save_input(1) | save_output. An operation may have any number of inputs.
class Save {
 public:
  constexpr Save() = default;
  constexpr Save(bool output, bool all_inputs) : output_(output), all_inputs_(all_inputs) {}
  explicit Save(size_t input) {
    if (input < in_mask) mask_ = uint64_t(1) << input;
    else beyond_.push_back(input);
  }

  bool output() const { return output_; }
  bool any_input() const { return all_inputs_ || mask_ != 0 || !beyond_.empty(); }
  bool input(size_t i) const {
    if (all_inputs_) return true;
    return i < in_mask ? (mask_ >> i & 1) != 0 : std::find(beyond_.begin(), beyond_.end(), i) != beyond_.end();
  }

  friend Save operator|(Save a, const Save& b) {
    a.output_ |= b.output_;
    a.all_inputs_ |= b.all_inputs_;
    a.mask_ |= b.mask_;
    a.beyond_.insert(a.beyond_.end(), b.beyond_.begin(), b.beyond_.end());
    return a;
  }

 private:
  static constexpr size_t in_mask = 64;
  bool output_ = false, all_inputs_ = false;
  uint64_t mask_ = 0;           // inputs below in_mask, a bit each: nearly all operations need no more, and no memory
  std::vector<size_t> beyond_;  // the others
};
inline constinit const Save save_nothing, save_output{true, false}, save_inputs{false, true};
[[nodiscard]] inline Save save_input(size_t i) { return Save(i); }

struct Rematerialization;

/// A tensor that is saved for the backward pass with its version, or the way to compute it again. Everything that a
/// rule reads is saved in this form. `record` saves inputs and the output. A rule captures other results of the forward
/// pass as Saved, never as Tensor, and reads them with Backward::intermediate().
struct Saved {
  Saved() = default;
  explicit Saved(const Tensor& x) : tensor(x), version(x.defined() ? x.version() : 0), present(true) {}
  explicit Saved(std::shared_ptr<const Rematerialization> how) : recompute(std::move(how)), present(true) {}

  /// False when the tensor, or what it is recomputed from, was modified since.
  bool unchanged() const;

  Tensor tensor;  // may be undefined: an optional input that was left out
  uint64_t version = 0;
  std::shared_ptr<const Rematerialization> recompute;
  bool present = false;
};

/// How to compute an output again from tensors that are saved anyway. An operation whose output is cheap to compute and
/// large (a GELU, a layer norm) passes one to `record`; later operations then save it instead of the output.
struct Rematerialization {
  using Compute = std::function<Tensor(const std::vector<Tensor>&)>;
  /// `compute` gets `from` as it is now and returns the same bits as the forward pass; it records nothing.
  Rematerialization(const std::vector<Tensor>& from, Compute how)
      : inputs(from.begin(), from.end()), compute(std::move(how)) {}

  /// False when the result or an input was modified since.
  bool unchanged() const;
  /// True when it can stand for x: x is the result, unchanged.
  bool makes(const Tensor& x) const;

  std::vector<Saved> inputs;
  Compute compute;
  std::weak_ptr<const Storage> result;  // what was computed the first time, and the version that it had
  uint64_t version = 0;
};

}  // namespace ditharos
