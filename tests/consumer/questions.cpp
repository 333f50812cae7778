// The pieces of docs/faq.md, each with what it is expected to do.
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>

#include <ditharos/ditharos.h>

using namespace ditharos;

namespace {

struct Net : nn::Module<Net> {
  nn::Linear backbone, head;

  explicit Net(Generator& rng) : backbone(4, 8, rng), head(8, 2, rng) {}
  Tensor forward(const Tensor& x) const { return head(gelu(backbone(x))); }  // [B, 4] -> [B, 2]
  void visit(nn::Visitor& v) override { v("backbone", backbone), v("head", head); }
};

/// Weights in a file that Python's safetensors reads, and a model that takes those that it knows.
bool files(const Net& net, Generator& rng) {
  nn::save_module(net, "net.safetensors");  // in Python, safetensors.torch.load_file("net.safetensors") reads it
  std::map<std::string, Tensor> tensors = safetensors::load("net.safetensors").tensors;
  tensors.erase("head.bias");
  safetensors::save("part.safetensors", tensors);

  Net other(rng);
  // Or a file of torch.save, or model.safetensors.index.json. Without strict = false, all names have to agree.
  const nn::LoadReport report = nn::load_module(other, "part.safetensors", {.strict = false});
  std::printf("%s\n", to_text(report).c_str());
  return to_text(report) == "missing: head.bias" &&
         other.head.weight.to_vector<float>() == net.head.weight.to_vector<float>();
}

/// Only the head is trained.
bool frozen(Net& net, const Tensor& x, const Tensor& y) {
  nn::set_requires_grad(net.backbone, false);
  optim::AdamW optimizer(nn::named_parameters(net.head));
  const auto before = net.backbone.weight.to_vector<float>(), head = net.head.weight.to_vector<float>();
  mse_loss(net(x), y).backward();
  optimizer.step(/*lr=*/1e-2);
  nn::set_requires_grad(net.backbone, true);
  return net.backbone.weight.to_vector<float>() == before && net.head.weight.to_vector<float>() != head;
}

/// Why a parameter has no gradient.
bool explained(const Net& net, const Tensor& x) {
  const Tensor loss = sum(net.head(net.backbone(x).detach()));
  const std::string why = explain_grad(loss, net.backbone.weight);
  std::printf("%s\n", why.c_str());
  return why.find("detach") != std::string::npos;
}

/// A batch in four parts: the gradient is that of the whole, and only one part has a graph at a time.
bool accumulated(Net& net, const Tensor& x, const Tensor& y) {
  nn::zero_grad(net);
  mse_loss(net(x), y).backward();
  const Tensor whole = net.head.weight.grad().clone();
  nn::zero_grad(net);
  for (int64_t part = 0; part < 4; ++part) {
    const int64_t size = x.size(0) / 4;
    const Tensor loss = mse_loss(net(narrow(x, 0, part * size, size)), narrow(y, 0, part * size, size));
    (loss / 4.0).backward();  // the mean over four equal parts
  }
  return amax(abs(net.head.weight.grad() - whole), {0, 1}).item() < 1e-6;
}

/// The mean loss of some steps, and no graph that stays.
bool logged(Net& net, const Tensor& x, const Tensor& y) {
  const int64_t before = live_nodes();
  double sum_of_losses = 0;  // a number: a Tensor would keep the graph of each step
  for (int step = 0; step < 10; ++step) {
    nn::zero_grad(net);
    const Tensor loss = mse_loss(net(x), y);
    loss.backward();
    sum_of_losses += loss.item();
  }
  return sum_of_losses > 0 && live_nodes() == before;
}

/// Copies have weights of their own; share() gives a second module with the same ones.
bool copied(const Net& net, const Tensor& x) {
  Net copy = net, same = nn::share(net);
  {
    const NoGrad off;
    copy.head.bias.fill_(1), same.head.bias.fill_(2);
  }
  const auto values = net(x).to_vector<float>();
  return copy(x).to_vector<float>() != values && same(x).to_vector<float>() == values;
}

/// Equal seeds, equal numbers; streams of different purposes do not disturb each other.
bool seeded() {
  Generator rng(/*seed=*/7);
  Generator noise = rng.fork(1), order = rng.fork(2);  // streams for two purposes
  const Tensor first = noise.normal({3});
  const Tensor permutation = order.permutation(5);
  return Generator(7).fork(1).normal({3}).to_vector<float>() == first.to_vector<float>() && permutation.numel() == 5;
}

}  // namespace

int main() {
  Generator rng(/*seed=*/0);
  Net net(rng);
  const Tensor x = rng.normal({16, 4}), y = rng.normal({16, 2});
  const bool right[] = {files(net, rng),   frozen(net, x, y), explained(net, x), accumulated(net, x, y),
                        logged(net, x, y), copied(net, x),    seeded()};
  for (const bool one : right) std::printf("%s\n", one ? "right" : "wrong");
  return std::all_of(std::begin(right), std::end(right), [](bool one) { return one; }) ? 0 : 1;
}
