// Inspects a recorded graph: prints the graph of a small network, and writes pages for stepping through the backward
// pass in a browser: explain_graph [FOLDER]
#include <cstdio>
#include <string>

#include <ditharos/ditharos.h>

using namespace ditharos;

struct Net : nn::Module<Net> {
  explicit Net(Generator& rng) : hidden(2, 4, rng), out(4, 1, rng) {}
  Tensor forward(const Tensor& x) const { return out(tanh(hidden(x))); }
  void visit(nn::Visitor& v) override { v("hidden", hidden), v("out", out); }
  nn::Linear hidden, out;
};

struct OneBlock : nn::Module<OneBlock> {
  explicit OneBlock(Generator& rng) : block({.hidden = 32, .heads = 2}, rng) {}
  void visit(nn::Visitor& v) override { v("block", block); }
  models::DiTBlock block;
};

int main(int argc, char** argv) try {
  const std::string folder = argc > 1 ? argv[1] : ".";
  if (folder[0] == '-' || argc > 2) {
    const bool help = folder == "-h" || folder == "--help";
    std::fprintf(help ? stdout : stderr,
                 "usage: explain_graph [FOLDER], where network.html and block.html are written\n");
    return help ? 0 : 2;
  }
  Generator rng(/*seed=*/0);
  Net net(rng);
  const Tensor x = rng.normal({3, 2}), y = rng.normal({3, 1});
  std::printf("%s\n", nn::summary(net, [&] { return net(x); }).c_str());
  const Tensor loss = mse_loss(net(x), y);
  std::printf("%s\n", print_graph(loss, nn::tensor_names(net)).c_str());
  std::printf("%s\n", explain_grad(loss, net.hidden.weight).c_str());
  std::printf("%s", explain_grad(mse_loss(net(x).detach() * net.out.bias, y), net.hidden.weight).c_str());
  to_html(loss, folder + "/network.html", nn::tensor_names(net));

  OneBlock model(rng);
  nn::name_modules(model);
  nn::NamedTensors state = nn::named_tensors(model);  // a new block is the identity: its gates start at zero
  for (nn::NamedTensor& p : state) p.tensor = rng.normal(p.tensor.shape()) * .2;
  nn::load_state_dict(model, state);
  const Tensor tokens = rng.normal({1, 4, 32}), condition = rng.normal({1, 32});
  to_html(mean(square(model.block(tokens, condition))), folder + "/block.html", nn::tensor_names(model));
} catch (const Error& e) {
  std::fprintf(stderr, "explain_graph: %s\n", e.what());
  return 1;
}
