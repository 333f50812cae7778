#include <ditharos/training/distributed/gradient_exchange.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <numeric>
#include <thread>
#include <utility>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/view.h>
#include <ditharos/training/distributed/tensor_messages.h>

namespace ditharos::training {
namespace {

constexpr double seconds_per_look = 2e-4;
constexpr int most_looks = 64;  // at a time

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// into += x, where an undefined x stands for zeros.
void add(const Tensor& into, const Tensor& x) {
  kernels::accumulate(into, x.defined() ? x : views::expand(zeros({}, into.dtype()), into.shape()));
}

/// The sum of two gradients, of which an undefined one stands for zeros; undefined when both are. May use their memory.
Tensor sum(const Tensor& a, const Tensor& b) {
  if (!a.defined() && !b.defined()) return {};
  const Tensor& into = a.defined() ? a : b;
  add(into, a.defined() ? b : a);
  return into;
}

/// The position of rank r when ranks are ordered by their bits, the lowest first: r's bits in reverse. The elements of
/// each level's two halves are then next to each other.
int position_of(int rank, int levels) {
  int position = 0;
  for (int level = 0; level < levels; ++level) position |= ((rank >> level) & 1) << (levels - 1 - level);
  return position;
}

/// The owner of each parameter: the largest ones first, each to the rank that has least so far.
std::vector<int> balanced_owners(const nn::NamedTensors& parameters, int ranks) {
  std::vector<size_t> order(parameters.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return byte_count(parameters[a].tensor) > byte_count(parameters[b].tensor);
  });
  std::vector<size_t> load(size_t(ranks), 0);
  std::vector<int> owners(parameters.size());
  for (const size_t p : order) {
    const auto least = std::min_element(load.begin(), load.end());
    *least += byte_count(parameters[p].tensor);
    owners[p] = int(least - load.begin());
  }
  return owners;
}

}  // namespace

/// Parameters whose gradients are sent together.
struct GradientExchange::Bucket {
  std::vector<size_t> parameters;  // in the order of their owners' positions
  std::vector<int64_t> offsets;    // of these, in elements
  std::vector<int64_t> starts;     // [position], of an owner's elements; and the end of all
  DType dtype = DType::f32;
  int tag = 0;
  // Of the present step.
  Tensor elements = {};  // from the first gradient on
  size_t missing = 0;    // gradients
  int level = -1;        // of the tree between ranks; -1: it waits for gradients
  Tensor incoming = {};  // of this level
  std::vector<Communicator::Request> requests = {};

  int64_t size() const { return starts.back(); }
};

GradientExchange::GradientExchange(Communicator& ranks, const ShardLayout& layout, const nn::NamedTensors& parameters,
                                   int64_t bucket_bytes)
    : ranks_(ranks), layout_(layout), parameters_(parameters), bucket_bytes_(bucket_bytes),
      levels_(std::countr_zero(unsigned(ranks.size()))), owners_(balanced_owners(parameters, ranks.size())),
      order_(parameters.size()), taken_(parameters.size()), had_gradient_(parameters.size()) {
  for (size_t p = 0; p < parameters_.size(); ++p) index_of_[parameters_[p].tensor.impl()] = p;
  std::iota(order_.rbegin(), order_.rend(), size_t{0});  // a guess for the first step: the last parameter first
  make_buckets();
}

GradientExchange::~GradientExchange() = default;

void GradientExchange::make_buckets() {
  buckets_.clear();
  if (ranks_.size() == 1) return;
  bucket_of_.assign(parameters_.size(), 0);
  int64_t bytes = 0;
  for (const size_t p : order_) {
    const Tensor& tensor = parameters_[p].tensor;
    if (buckets_.empty() || bytes >= bucket_bytes_ || buckets_.back()->dtype != tensor.dtype()) {
      buckets_.push_back(std::make_unique<Bucket>());
      buckets_.back()->dtype = tensor.dtype();
      buckets_.back()->tag = first_gradient_tag + int(buckets_.size()) - 1;
      bytes = 0;
    }
    buckets_.back()->parameters.push_back(p);
    bucket_of_[p] = buckets_.size() - 1;
    bytes += int64_t(byte_count(tensor));
  }
  for (const auto& bucket : buckets_) {
    const auto position = [&](size_t p) { return position_of(owners_[p], levels_); };
    std::stable_sort(bucket->parameters.begin(), bucket->parameters.end(),
                     [&](size_t a, size_t b) { return position(a) < position(b); });
    int64_t end = 0;
    for (const size_t p : bucket->parameters) {
      while (int(bucket->starts.size()) <= position(p)) bucket->starts.push_back(end);
      bucket->offsets.push_back(end);
      end += parameters_[p].tensor.numel();
    }
    bucket->starts.resize(size_t(ranks_.size()) + 1, end);
  }
}

void GradientExchange::begin() {
  for (const auto& [name, tensor] : parameters_) tensor.set_grad({});
  sums_.clear();
  shards_done_ = 0;
  taken_.assign(parameters_.size(), false);
  had_gradient_.assign(parameters_.size(), false);
  for (const auto& bucket : buckets_) {
    bucket->elements = {};
    bucket->missing = bucket->parameters.size();
    bucket->level = -1;
  }
}

void GradientExchange::end_shard() {
  std::vector<Tensor> branch;
  for (size_t p = 0; p < parameters_.size(); ++p) {
    const Tensor& tensor = parameters_[p].tensor;
    branch.push_back(tensor.grad());
    tensor.set_grad({});
    if (branch[p].defined()) had_gradient_[p] = true;
  }
  // A branch is complete when its number of shards is a power of two: the ones at the end of their count in binary.
  for (int64_t done = shards_done_; (done & 1) != 0; done >>= 1) {
    for (size_t p = 0; p < branch.size(); ++p) branch[p] = sum(std::exchange(sums_.back()[p], {}), branch[p]);
    sums_.pop_back();
  }
  sums_.push_back(std::move(branch));
  ++shards_done_;
}

GradientExchange::Overlap::Overlap(GradientExchange& exchange) {
  if (exchange.ranks_.size() > 1) scope_.emplace(static_cast<GradientListener&>(exchange));
}

void GradientExchange::on_leaf(const Tensor& leaf) {
  const auto found = index_of_.find(leaf.impl());
  if (found == index_of_.end() || taken_[found->second]) return;
  if (!order_is_known_) finished_.push_back(found->second);
  take(found->second);
}

/// Takes the complete gradient of a parameter of the last shard, and adds the branches of the earlier ones.
void GradientExchange::take(size_t p) {
  taken_[p] = true;
  const Tensor& parameter = parameters_[p].tensor;
  Tensor total = parameter.grad();
  if (total.defined()) had_gradient_[p] = true;
  if (ranks_.size() == 1) {
    for (size_t branch = sums_.size(); branch-- > 0;) total = sum(std::exchange(sums_[branch][p], {}), total);
    parameter.set_grad(total);
    return;
  }
  Bucket& bucket = *buckets_[bucket_of_[p]];
  if (!bucket.elements.defined()) bucket.elements = empty({bucket.size()}, bucket.dtype);
  const size_t k = size_t(std::find(bucket.parameters.begin(), bucket.parameters.end(), p) - bucket.parameters.begin());
  const Tensor target = part_of(bucket, k);
  if (total.defined()) kernels::copy_into(target, total);
  else kernels::fill(target, 0);
  parameter.set_grad({});
  for (size_t branch = sums_.size(); branch-- > 0;) add(target, std::exchange(sums_[branch][p], {}));
  if (--bucket.missing == 0) {
    bucket.level = 0;
    begin_level(bucket);
  }
}

/// The elements of the bucket's parameter number k, in its shape.
Tensor GradientExchange::part_of(const Bucket& bucket, size_t k) const {
  const Tensor& parameter = parameters_[bucket.parameters[k]].tensor;
  const int64_t begin = bucket.offsets[k];
  return views::reshape(views::slice(bucket.elements, 0, begin, begin + parameter.numel(), 1), parameter.shape());
}

/// The elements that this rank and its partner have the sums of at the bucket's level, in two halves.
GradientExchange::Halves GradientExchange::halves(const Bucket& bucket) const {
  const int own = position_of(ranks_.rank(), levels_), width = ranks_.size() >> bucket.level;
  const int begin = own / width * width, middle = begin + width / 2, end = begin + width;
  const Range first{bucket.starts[size_t(begin)], bucket.starts[size_t(middle)]};
  const Range second{bucket.starts[size_t(middle)], bucket.starts[size_t(end)]};
  return own < middle ? Halves{first, second} : Halves{second, first};
}

/// Sends the half that the partner goes on with, and begins to receive that of this rank.
void GradientExchange::begin_level(Bucket& bucket) {
  const auto [kept, given] = halves(bucket);
  const int partner = ranks_.rank() ^ (1 << bucket.level);
  const size_t element = size_of(bucket.dtype);
  bucket.incoming = empty({kept.size()}, bucket.dtype);
  if (kept.size() > 0)
    bucket.requests.push_back(
        begin_message(false, partner, bucket.tag, bytes_at(bucket.incoming), size_t(kept.size()) * element));
  if (given.size() > 0)
    bucket.requests.push_back(begin_message(true, partner, bucket.tag, bytes_at(bucket.elements, given.begin),
                                            size_t(given.size()) * element));
}

bool GradientExchange::is_done(const Bucket& bucket) const { return bucket.level == levels_; }

void GradientExchange::advance(Bucket& bucket) {
  while (bucket.level >= 0 && !is_done(bucket)) {
    std::erase_if(bucket.requests, [&](Communicator::Request request) { return is_over(request); });
    if (!bucket.requests.empty()) return;
    const auto [kept, given] = halves(bucket);
    if (kept.size() > 0)
      kernels::accumulate(views::slice(bucket.elements, 0, kept.begin, kept.end, 1), bucket.incoming);
    bucket.incoming = {};
    if (++bucket.level < levels_) begin_level(bucket);
  }
}

/// Makes progress on the messages. A look moves at most some hundred kilobytes between a socket and a message, so there
/// are as many of them as fit the time since the last rule.
void GradientExchange::on_rule() {
  if (in_flight_ == 0) return;
  const int looks = std::clamp(int((now() - last_look_) / seconds_per_look), 1, most_looks);
  for (int look = 0; look < looks && in_flight_ > 0; ++look)
    for (const auto& bucket : buckets_) advance(*bucket);
  last_look_ = now();
}

void GradientExchange::finish() {
  const WorkScope scope({"gradient exchange", WorkKind::backward});
  for (const size_t p : order_)
    if (!taken_[p]) take(p);
  if (ranks_.size() == 1) return;
  wait_until([&] {
    for (const auto& bucket : buckets_) advance(*bucket);
    return std::all_of(buckets_.begin(), buckets_.end(), [&](const auto& bucket) { return is_done(*bucket); });
  });
  for (const auto& bucket : buckets_)
    for (size_t k = 0; k < bucket->parameters.size(); ++k)
      if (const size_t p = bucket->parameters[k]; owns(p)) parameters_[p].tensor.set_grad(part_of(*bucket, k));
  if (!order_is_known_) agree_on_order();
}

/// Buckets for the next steps, by the order of the first one on rank 0.
void GradientExchange::agree_on_order() {
  std::vector<size_t> order = std::exchange(finished_, {});
  std::vector<bool> listed(parameters_.size(), false);
  for (const size_t p : order) listed[p] = true;
  for (const size_t p : order_)
    if (!listed[p]) order.push_back(p);
  order_ = values_of_bytes<size_t>(ranks_.broadcast(bytes_of(order)));
  order_is_known_ = true;
  make_buckets();
}

void GradientExchange::share_parameters() {
  if (ranks_.size() == 1) return;
  const WorkScope scope({"parameter exchange", WorkKind::optimizer});
  const int tag = first_gradient_tag + int(parameters_.size());  // there are at most as many buckets
  std::vector<Communicator::Request> requests;
  for (size_t p = 0; p < parameters_.size(); ++p) {
    const Tensor& tensor = parameters_[p].tensor;
    const size_t bytes = byte_count(tensor);
    if (bytes == 0) continue;
    char* at = bytes_at(tensor);
    if (!owns(p)) requests.push_back(begin_message(false, owner(p), tag + int(p), at, bytes));
    else
      for (int distance = 1; distance < ranks_.size(); ++distance)
        requests.push_back(begin_message(true, (ranks_.rank() + distance) % ranks_.size(), tag + int(p), at, bytes));
  }
  wait_until([&] {
    std::erase_if(requests, [&](Communicator::Request request) { return is_over(request); });
    return requests.empty();
  });
}

Communicator::Request GradientExchange::begin_message(bool send, int other, int tag, char* bytes, size_t count) {
  if (in_flight_++ == 0) flight_began_ = now();
  if (!send) return ranks_.begin_receive(other, tag, bytes, count);
  cost_.bytes_sent += count;
  return ranks_.begin_send(other, tag, bytes, count);
}

bool GradientExchange::is_over(Communicator::Request request) {
  if (!ranks_.is_finished(request)) return false;
  if (--in_flight_ == 0) cost_.seconds += now() - flight_began_;
  return true;
}

void GradientExchange::wait_until(const std::function<bool()>& done) {
  const double begin = now();
  while (!done()) std::this_thread::yield();
  cost_.exposed_seconds += now() - begin;
}

}  // namespace ditharos::training
