// Losses of distances and similarities.
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/losses/checked.h>

namespace ditharos {
namespace {

void check_shapes(const char* op, const char* a_name, const Tensor& a, const char* b_name, const Tensor& b) {
  check<ShapeError>(a.shape() == b.shape(), "[", op, "] ", a_name, " has shape ", a.shape(), ", ", b_name, " ",
                    b.shape(), "; they must be equal");
}

/// Two inputs of one shape and dtype.
void check_inputs(const char* op, const char* a_name, const Tensor& a, const char* b_name, const Tensor& b) {
  check_floating(op, a.dtype());
  check_shapes(op, a_name, a, b_name, b);
  check_one_dtype(op, a_name, a, b_name, b);
}

void check_triplet(const char* op, const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                   const TripletMarginOptions& options) {
  check_inputs(op, "the anchor", anchor, "the positive", positive);
  check_inputs(op, "the anchor", anchor, "the negative", negative);
  check<ShapeError>(anchor.rank() >= 1, "[", op, "] needs vectors [..., D], got scalars");
  check<ConfigError>(options.margin > 0, "[", op, "] the margin must be positive, got ", options.margin);
}

Tensor triplet_losses(const char* op, const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                      const DistanceFunction& distance, const TripletMarginOptions& options) {
  const Tensor near = distance(anchor, positive);
  Tensor far = distance(anchor, negative);
  if (options.swap) far = minimum(far, distance(positive, negative));
  return reduced_losses(op, clamp_min(near - far + options.margin, 0), options.reduction);
}

Tensor distances(const Tensor& a, const Tensor& b, double p, double eps, bool keepdim) {
  return norm(a - b + eps, p, {-1}, keepdim);
}

}  // namespace

Tensor hinge_embedding_loss(const Tensor& x, const Tensor& y, double margin, Reduction reduction) {
  const char* op = "hinge_embedding_loss";
  check_floating(op, x.dtype());
  check_shapes(op, "the prediction", x, "the target", y);
  const Tensor sign = signs_like(op, x, y);
  return reduced_losses(op, where(sign != 1.0, clamp_min(margin - x, 0), 0) + where(sign != -1.0, x, 0), reduction);
}

Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& y, double margin, Reduction reduction) {
  const char* op = "margin_ranking_loss";
  check_inputs(op, "the first input", a, "the second", b);
  check_shapes(op, "the first input", a, "the target", y);
  return reduced_losses(op, clamp_min(-(signs_like(op, a, y) * (a - b)) + margin, 0), reduction);
}

Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& y, double margin, Reduction reduction) {
  const char* op = "cosine_embedding_loss";
  check_inputs(op, "the first input", a, "the second", b);
  const bool fit = (a.rank() == 2 && y.shape() == Shape{a.size(0)}) || (a.rank() == 1 && y.rank() == 0);
  check<ShapeError>(fit, "[", op, "] needs inputs [N, D] and a target [N], or [D] and [], got ", a.shape(), " and ",
                    y.shape());
  const Tensor sign = signs_like(op, a, y);
  constexpr double least = 1e-12;  // added to the squares of the lengths, so that vectors of length 0 have a cosine
  const Tensor cosine = sum(a * b, -1) / sqrt((sum(square(a), -1) + least) * (sum(square(b), -1) + least));
  return reduced_losses(op, where(sign == 1.0, 1.0 - cosine, 0) + where(sign == -1.0, clamp_min(cosine - margin, 0), 0),
                        reduction);
}

Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p, double eps, bool keepdim) {
  const char* op = "pairwise_distance";
  const Shape shape = check_floating_elementwise(op, a, {b});
  check<ShapeError>(shape.rank() >= 1, "[", op, "] needs vectors [..., D], got scalars");
  check<ConfigError>(p > 0, "[", op, "] p must be positive, got ", p);
  return distances(a, b, p, eps, keepdim);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginOptions& options) {
  const char* op = "triplet_margin_loss";
  check_triplet(op, anchor, positive, negative, options);
  check<ConfigError>(options.p > 0, "[", op, "] p must be positive, got ", options.p);
  const auto distance = [&](const Tensor& a, const Tensor& b) {
    return distances(a, b, options.p, options.eps, /*keepdim=*/false);
  };
  return triplet_losses(op, anchor, positive, negative, distance, options);
}

Tensor triplet_margin_with_distance_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                                         const DistanceFunction& distance, const TripletMarginOptions& options) {
  const char* op = "triplet_margin_with_distance_loss";
  check_triplet(op, anchor, positive, negative, options);
  check<ConfigError>(static_cast<bool>(distance), "[", op, "] there is no distance");
  return triplet_losses(op, anchor, positive, negative, distance, options);
}

}  // namespace ditharos
