// A multilayer perceptron that tells the garments of Fashion-MNIST apart: data sets and loaders, the training loop,
// evaluation, saving and loading.
//
//   4_mlp [DATA]      DATA: any set of images with classes (docs/data.md); fashion-mnist if it is left out
#include <cstdio>
#include <exception>
#include <iostream>

#include <ditharos/ditharos.h>

using namespace ditharos;

/// All images as rows [N, H W] in [-1, 1], and their classes [N].
data::TensorDataset<2> rows_and_classes(const data::DataSource& source) {
  const data::Batch all = data::read_all(source);
  return data::TensorDataset(flatten(all.images(), 1), all.labels);
}

/// [N]: whether the most likely class is the right one.
Tensor hits(const nn::Sequential& net, const data::TensorDataset<2>& set) {
  const NoGrad no_grad;  // records nothing, and so keeps nothing for a backward pass
  const auto& [images, classes] = set.tensors();
  return to(argmax(net(images), 1) == classes, DType::f32);
}

int main(int argc, char** argv) try {
  const std::string spec = argc > 1 ? argv[1] : "fashion-mnist";
  const auto source = data::open_images(spec, data::Split::train).source;
  const auto train = rows_and_classes(*source);
  const auto test = rows_and_classes(*data::open_images(spec, data::Split::test).source);
  std::cout << train.size() << " images to train with, " << test.size() << " to test with\n";

  Generator rng(/*seed=*/0);
  const int64_t pixels = train.tensors()[0].size(1), classes = source->num_classes();
  const auto make = [&] {
    return nn::Sequential(nn::Linear(pixels, 512, rng), nn::ReLU(), nn::Linear(512, 256, rng), nn::ReLU(),
                          nn::Linear(256, classes, rng));
  };
  nn::Sequential net = make();
  std::cout << nn::parameter_count(net) << " parameters\n";

  // Every epoch sees each image once, in a new order. Batches are prepared by threads while the network is trained.
  data::DataLoader loader(train, {.batch_size = 128, .shuffle = true, .seed = 1});
  optim::AdamW optimizer(nn::named_parameters(net));
  const int64_t epochs = 8, steps = epochs * loader.batches_per_epoch();
  const optim::Schedule schedule{.lr = 2e-3, .warmup_steps = 100, .decay = optim::Decay::cosine, .total_steps = steps};
  for (int epoch = 1, step = 0; epoch <= epochs; ++epoch) {
    double total = 0;
    for (const auto& [images, labels] : loader) {
      const Tensor loss = cross_entropy(net(images), labels);
      optimizer.zero_grad();
      loss.backward();
      optimizer.step(optim::learning_rate(schedule, step++));
      total += loss.item();
    }
    std::printf("epoch %d: loss %.3f, %.2f %% of the test images are right\n", epoch,
                total / double(loader.batches_per_epoch()), 100 * mean(hits(net, test)).item());
  }

  // Which garments are hard?
  const Tensor right = hits(net, test);
  for (int64_t c = 0; c < classes; ++c)
    std::printf("%-12s %.1f %%\n", source->class_names()[size_t(c)].c_str(),
                100 * mean(right[test.tensors()[1] == double(c)]).item());

  // The weights, under the names that PyTorch gives them, in a file that Python's safetensors reads.
  nn::save_module(net, "4_mlp.safetensors");
  nn::Sequential loaded = make();
  nn::load_module(loaded, "4_mlp.safetensors");
  std::printf("loaded from 4_mlp.safetensors: %.2f %%\n", 100 * mean(hits(loaded, test)).item());
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
