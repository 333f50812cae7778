#pragma once
// pad() as modules: the last one, two or three axes of x with or without a batch.
#include <initializer_list>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// The common base. `axes` spatial axes.
template <class Self, int axes, PadMode mode>
class PadModule : public Module<Self> {
 public:
  /// So many elements at each end of each axis.
  explicit PadModule(int64_t padding) : sizes_(size_t{2} * axes, padding) {}
  /// {left, right, top, bottom, front, back}; ShapeError unless there are two numbers for each axis.
  explicit PadModule(std::initializer_list<int64_t> padding) : sizes_(padding) {
    check<ShapeError>(sizes_.size() == size_t{2} * axes, "[pad] a module for ", axes, " axes needs ", 2 * axes,
                      " sizes, got ", sizes_.size());
  }
  Tensor forward(const Tensor& x) const { return padded(x, 0); }
  void visit(Visitor&) override {}

 protected:
  Tensor padded(const Tensor& x, double value) const {
    check<ShapeError>(x.rank() == axes + 1 || x.rank() == axes + 2, "[pad] needs x with ", axes,
                      " axes after the channels, got ", x.shape());
    return pad(x, sizes_, mode, value);
  }

 private:
  std::vector<int64_t> sizes_;
};

/// ConstantPad1d(2, .5): with that value.
template <class Self, int axes>
class ConstantPadModule : public PadModule<Self, axes, PadMode::constant> {
  using Base = PadModule<Self, axes, PadMode::constant>;

 public:
  ConstantPadModule(int64_t padding, double value) : Base(padding), value_(value) {}
  ConstantPadModule(std::initializer_list<int64_t> padding, double value) : Base(padding), value_(value) {}
  Tensor forward(const Tensor& x) const { return this->padded(x, value_); }

 private:
  double value_;
};

class ConstantPad1d : public ConstantPadModule<ConstantPad1d, 1> {
 public:
  using ConstantPadModule::ConstantPadModule;
};
class ConstantPad2d : public ConstantPadModule<ConstantPad2d, 2> {
 public:
  using ConstantPadModule::ConstantPadModule;
};
class ConstantPad3d : public ConstantPadModule<ConstantPad3d, 3> {
 public:
  using ConstantPadModule::ConstantPadModule;
};

class ZeroPad1d : public PadModule<ZeroPad1d, 1, PadMode::zeros> {
 public:
  using PadModule::PadModule;
};
class ZeroPad2d : public PadModule<ZeroPad2d, 2, PadMode::zeros> {
 public:
  using PadModule::PadModule;
};
class ZeroPad3d : public PadModule<ZeroPad3d, 3, PadMode::zeros> {
 public:
  using PadModule::PadModule;
};

class ReflectionPad1d : public PadModule<ReflectionPad1d, 1, PadMode::reflect> {
 public:
  using PadModule::PadModule;
};
class ReflectionPad2d : public PadModule<ReflectionPad2d, 2, PadMode::reflect> {
 public:
  using PadModule::PadModule;
};
class ReflectionPad3d : public PadModule<ReflectionPad3d, 3, PadMode::reflect> {
 public:
  using PadModule::PadModule;
};

class ReplicationPad1d : public PadModule<ReplicationPad1d, 1, PadMode::replicate> {
 public:
  using PadModule::PadModule;
};
class ReplicationPad2d : public PadModule<ReplicationPad2d, 2, PadMode::replicate> {
 public:
  using PadModule::PadModule;
};
class ReplicationPad3d : public PadModule<ReplicationPad3d, 3, PadMode::replicate> {
 public:
  using PadModule::PadModule;
};

class CircularPad1d : public PadModule<CircularPad1d, 1, PadMode::circular> {
 public:
  using PadModule::PadModule;
};
class CircularPad2d : public PadModule<CircularPad2d, 2, PadMode::circular> {
 public:
  using PadModule::PadModule;
};
class CircularPad3d : public PadModule<CircularPad3d, 3, PadMode::circular> {
 public:
  using PadModule::PadModule;
};

}  // namespace ditharos::nn
