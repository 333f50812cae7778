// The model zoo: what it contains, what a file of weights is, conversion between layouts, and running a model on stored
// inputs, to compare it with its reference.
//
//   zoo list
//   zoo inspect DiT-XL-2-256x256.pt
//   zoo convert DiT-XL-2-256x256.pt dit.safetensors --to diffusers --dtype bf16
//   zoo run --weights dit.safetensors --inputs io.safetensors --out out.safetensors
//   zoo sample --weights DiT-XL-2-256x256.pt --autoencoder vae.safetensors --classes 207,360 --out images.png
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include <ditharos/models/zoo/conversion.h>
#include <ditharos/models/zoo/inspection.h>
#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/tensor/io/weights_file.h>
#include "examples/cli/inputs.h"
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/settings.h"
#include "examples/zoo/command.h"
#include "examples/zoo/sample.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

const char* const overview = R"(The diffusion transformers, autoencoders and text encoders of the model zoo.

Usage: zoo [COMMAND] ...

  zoo list                 every model: parameters, GMACs, bytes, and what it is tested against
  zoo inspect FILE         names, shapes and dtypes of a file of weights, and which model it is
  zoo convert IN OUT       weights in another layout, dtype or file format
  zoo run                  the outputs and gradients of a model for stored inputs
  zoo sample               images of a DiT or SiT, decoded by its autoencoder

FILE and IN are .safetensors, .safetensors.index.json, or .pt, .pth and .ckpt of PyTorch; OUT is .safetensors.
"zoo COMMAND --help" describes the options of a command. docs/zoo.md describes the models.
)";

int inspect(int argc, char** argv) {
  std::vector<std::string> files;
  Hints hints;
  Settings settings = command("inspect", "Lists the tensors of a file, and says which model of the zoo they are.");
  settings.add_arguments(files, "FILE", "the weights");
  hints.describe(settings);
  if (!settings.parse(argc, argv)) return 0;
  check<ConfigError>(files.size() == 1, "zoo inspect takes one file, got ", files.size());
  check_inputs({{"FILE", files[0]}, {"--config", hints.config}});
  std::cout << models::inspect_tensors(load_weights(files[0]).tensors, hints.read());
  return 0;
}

int convert(int argc, char** argv) {
  std::vector<std::string> files;
  std::string to, dtype;
  Hints hints;
  Settings settings = command("convert", "Writes the weights of a model as .safetensors, in another layout or dtype.");
  settings.add_arguments(files, "IN OUT", "the weights, and the file to write");
  settings.options()
      .add("to", to,
           "names of the tensors: official (the paper's code), diffusers or ditharos (this library); the "
           "same when not given")
      .add("dtype", dtype, "f32, bf16 or f16; the same when not given");
  hints.describe(settings);
  if (!settings.parse(argc, argv)) return 0;
  check<ConfigError>(files.size() == 2, "zoo convert takes two files, got ", files.size());
  const std::vector<NamedInput> read{{"IN", files[0]}, {"--config", hints.config}};
  check_outputs({{"OUT", files[1]}}, read);
  check_inputs(read);
  const models::TensorsByName converted = models::convert_tensors(
      load_weights(files[0]).tensors, models::ConversionOptions::parse(to, dtype, hints.read()));
  safetensors::save(files[1], converted, {{"format", "pt"}});
  std::printf("%zu tensors: %s\n", converted.size(), files[1].c_str());
  return 0;
}

int run(int argc, char** argv) {
  std::string weights, inputs, out;
  bool gradients = false;
  Hints hints;
  Settings settings = command(
      "run",
      "Computes what a model gives for stored inputs: x, t, y, text, mask, pooled. "
      "Writes out (an autoencoder: mean, logvar, and decoded of the mode). Given a cotangent among the inputs, also "
      "grad.NAME for each parameter, the gradient of the sum of out * cotangent.");
  settings.options()
      .add("weights", weights, "the model's weights")
      .add("inputs", inputs, "a .safetensors file of the inputs")
      .add("out", out, "the .safetensors file to write")
      .add("gradients", gradients, "write gradients even without a cotangent; it is then all ones");
  hints.describe(settings);
  if (!settings.parse(argc, argv)) return 0;
  const bool complete = !weights.empty() && !inputs.empty() && !out.empty();
  check<ConfigError>(complete, "zoo run needs --weights, --inputs and --out");
  const std::vector<NamedInput> read{{"--weights", weights}, {"--inputs", inputs}, {"--config", hints.config}};
  check_outputs({{"--out", out}}, read);
  check_inputs(read);
  models::RecognitionHints known = hints.read();
  known.inputs = safetensors::load(inputs).tensors;
  auto model = models::PublishedModel::from_tensors(load_weights(weights).tensors, known);
  const models::TensorsByName results = model.run(known.inputs, gradients);
  safetensors::save(out, results);
  std::cout << models::describe_model(model.description());
  for (const std::string& name : model.unused_inputs(known.inputs))
    std::cout << "note: the model has no input " << name << ", which was not used\n";
  std::printf("%zu tensors: %s\n", results.size(), out.c_str());
  return 0;
}

int zoo(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "list";
  if (name == "-h" || name == "--help") return std::cout << overview, 0;
  if (name == "inspect") return inspect(argc - 1, argv + 1);
  if (name == "convert") return convert(argc - 1, argv + 1);
  if (name == "run") return run(argc - 1, argv + 1);
  if (name == "sample") return sample(argc - 1, argv + 1);
  check<ConfigError>(name == "list" && argc <= 2, "there is no command ", name, "; see zoo --help");
  return std::cout << models::zoo_table(), 0;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int error_status = 2;  // what does not fit has status 2, also files that are damaged
  return run_main(argc, argv, zoo, error_status);
}
