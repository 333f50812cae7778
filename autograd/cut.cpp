#include <ditharos/autograd/cut.h>

#include <algorithm>

#include <ditharos/autograd/meta.h>
#include <ditharos/autograd/module_path.h>

namespace ditharos {
namespace {

thread_local bool marking = true;

template <class T>
bool same_object(const std::weak_ptr<T>& a, const std::weak_ptr<T>& b) {
  return !a.owner_before(b) && !b.owner_before(a);
}

bool same_cut(const Cut& a, const Cut& b) {
  return a.reason == b.reason && a.op == b.op && a.module == b.module && same_object(a.node, b.node) &&
         same_object(a.leaf, b.leaf);
}

void add(Cuts& cuts, const Cut& cut) {
  if (std::any_of(cuts.list.begin(), cuts.list.end(), [&](const Cut& c) { return same_cut(c, cut); })) return;
  if (cuts.list.size() == Cuts::most) cuts.more = true;
  else cuts.list.push_back(cut);
}

/// Shared as long as nothing has to be added: under NoGrad every operation comes by here.
class Collector {
 public:
  void take(const CutsPtr& cuts) {
    if (!cuts || cuts == shared_) return;
    if (!shared_ && !own_) {
      shared_ = cuts;
      return;
    }
    Cuts& own = mine();
    for (const Cut& cut : cuts->list) add(own, cut);
    own.more = own.more || cuts->more;
  }
  void take(const Cut& cut) { add(mine(), cut); }
  CutsPtr result() const { return own_ ? own_ : shared_; }

 private:
  Cuts& mine() {
    if (!own_) own_ = shared_ ? std::make_shared<Cuts>(*shared_) : std::make_shared<Cuts>();
    return *own_;
  }
  CutsPtr shared_;
  std::shared_ptr<Cuts> own_;
};

/// An operation may have returned one of its inputs: that one's history is its own.
bool is_new(const Tensor& out, const std::vector<Tensor>& inputs) {
  return out.defined() && !needs_grad(out) &&
         std::none_of(inputs.begin(), inputs.end(), [&](const Tensor& x) { return x.impl() == out.impl(); });
}

}  // namespace

Tensor mark_cut(CutReason reason, const char* op, Tensor out, const std::vector<Tensor>& inputs) {
  if (!marking || !is_new(out, inputs)) return out;
  Collector all;
  for (const Tensor& x : inputs) {
    const Meta* meta = find_meta(x);
    if (!meta) continue;
    if (!needs_grad(x)) {
      all.take(meta->cuts);
      continue;
    }
    Cut cut{reason, op, current_module_path(), out.shape(), out.dtype(), meta->grad_fn, {}};
    if (!meta->grad_fn) cut.leaf = x.weak();
    all.take(cut);
  }
  if (const CutsPtr found = all.result()) meta_of(out).cuts = found;
  return out;
}

Tensor inherit_cuts(Tensor out, const std::vector<Tensor>& inputs) {
  if (!marking || !is_new(out, inputs)) return out;
  if (const CutsPtr found = cuts_of(inputs)) meta_of(out).cuts = found;
  return out;
}

CutsPtr cuts_of(const std::vector<Tensor>& inputs) {
  Collector all;
  for (const Tensor& x : inputs)
    if (const Meta* meta = find_meta(x); meta && !needs_grad(x)) all.take(meta->cuts);
  return all.result();
}

NoCutMarks::NoCutMarks() : before_(marking) { marking = false; }
NoCutMarks::~NoCutMarks() { marking = before_; }

}  // namespace ditharos
