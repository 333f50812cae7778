#pragma once
// Adds the gradients of a step's shards, within a rank and between ranks, while the backward pass still runs.
//
// The shards' gradients are added along one binary tree: shards 2k and 2k + 1 first, then their sums in the same way.
// The lower levels lie within a rank. The upper ones are recursive halving (Thakur, Rabenseifner and Gropp 2005): at
// level d, ranks r and r xor 2^d, which hold the two sums of a node of the tree, each send the other the half of the
// elements that the other goes on with. At the end each rank has the whole sum of the parameters that it owns, after
// (1 - 1/ranks) of the gradient's bytes. The additions are those of the tree for every number of ranks, and addition of
// floats commutes, so the bits are the same too.
//
// A rank keeps the optimiser's state and the moving averages of the parameters that it owns alone (ZeRO stage 1,
// Rajbhandari et al. 2020), updates these, and share_parameters() sends them to all others.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <ditharos/autograd/engine.h>
#include <ditharos/nn/module.h>
#include <ditharos/training/distributed/communicator.h>
#include <ditharos/training/distributed/shard_layout.h>

namespace ditharos::training {

/// What communication has cost since the exchange was made.
struct ExchangeCost {
  uint64_t bytes_sent = 0;
  double seconds = 0;          ///< in which a message of this rank was on its way
  double exposed_seconds = 0;  ///< of these, in which the rank did nothing but wait
};

class GradientExchange : private GradientListener {
 public:
  static constexpr int64_t default_bucket_bytes = 25'000'000;

  /// Of these parameters, each tensor once, which the ranks list in the same order. Gradients are sent in buckets of
  /// about `bucket_bytes`.
  GradientExchange(Communicator& ranks, const ShardLayout& layout, const nn::NamedTensors& parameters,
                   int64_t bucket_bytes = default_bucket_bytes);
  ~GradientExchange() override;

  /// The rank that keeps and updates a parameter, by its index.
  int owner(size_t parameter) const { return owners_[parameter]; }
  bool owns(size_t parameter) const { return owners_[parameter] == ranks_.rank(); }

  /// Begins a step: drops the parameters' gradients and what an earlier step left.
  void begin();
  /// Ends the backward passes of one of the rank's shards, the next one in order, unless it is the last.
  void end_shard();
  /// Scope of the last backward pass of the rank's last shard: gradients are sent as the pass finishes them.
  class Overlap {
   public:
    explicit Overlap(GradientExchange& exchange);

   private:
    std::optional<GradientListenerScope> scope_;
  };
  /// After the last shard: waits for all messages. Parameters that the rank owns then have the sum of all shards as
  /// their gradient, others have none. Zeros stand for the gradient of a shard without one.
  void finish();
  /// Whether a shard of this rank had a gradient of the parameter; valid after finish().
  bool had_gradient(size_t parameter) const { return had_gradient_[parameter]; }

  /// Collective. Sends each owned parameter to all other ranks.
  void share_parameters();

  const ExchangeCost& cost() const { return cost_; }

 private:
  struct Bucket;
  struct Range {  // of elements of a bucket
    int64_t begin, end;
    int64_t size() const { return end - begin; }
  };
  struct Halves {
    Range kept, given;
  };

  void on_leaf(const Tensor& leaf) override;
  void on_rule() override;
  void make_buckets();
  void agree_on_order();
  void take(size_t parameter);
  Tensor part_of(const Bucket& bucket, size_t k) const;
  Halves halves(const Bucket& bucket) const;
  void begin_level(Bucket& bucket);
  bool is_done(const Bucket& bucket) const;
  void advance(Bucket& bucket);
  Communicator::Request begin_message(bool send, int other, int tag, char* bytes, size_t count);
  bool is_over(Communicator::Request request);
  void wait_until(const std::function<bool()>& done);

  Communicator& ranks_;
  ShardLayout layout_;
  nn::NamedTensors parameters_;
  int64_t bucket_bytes_;
  int levels_;                                              // of the tree between ranks
  std::vector<int> owners_;                                 // [parameter]
  std::unordered_map<const TensorImpl*, size_t> index_of_;  // of a parameter
  std::vector<size_t> order_;  // parameters in the order in which the backward pass finishes them
  bool order_is_known_ = false;
  std::vector<size_t> finished_;  // in the first step: that order
  std::vector<std::unique_ptr<Bucket>> buckets_;
  std::vector<size_t> bucket_of_;          // [parameter]
  std::vector<std::vector<Tensor>> sums_;  // [branch][parameter], of this rank's finished branches
  int64_t shards_done_ = 0;
  std::vector<bool> taken_, had_gradient_;  // [parameter], of this step
  ExchangeCost cost_;
  int64_t in_flight_ = 0;    // messages
  double flight_began_ = 0;  // when in_flight_ became positive
  double last_look_ = 0;     // at the messages, during the backward pass
};

}  // namespace ditharos::training
