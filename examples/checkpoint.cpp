// What the checkpoints of a run hold, and what can be made of them.
//
//   checkpoint inspect runs/mine
//   checkpoint verify runs/mine
//   checkpoint diff runs/mine/checkpoints/step_00000400.ckpt runs/mine/checkpoints/step_00000800.ckpt
//   checkpoint extract-ema runs/mine --out ema.safetensors
//   checkpoint average a.ckpt b.ckpt c.ckpt --out mean.ckpt
//   checkpoint export runs/mine --out model.safetensors
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/training/checkpoint/comparison.h>
#include <ditharos/training/checkpoint/weights.h>
#include "examples/checkpoint/arguments.h"
#include "examples/checkpoint/report.h"
#include "examples/cli/program.h"
#include "examples/cli/settings.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

const char* const overview = R"(The checkpoints of training runs.

Usage: checkpoint COMMAND ...

  checkpoint inspect FILE           format, step, settings, and the tensors with their shapes
  checkpoint verify FILE...         every checksum; status 1 if one does not fit
  checkpoint diff A B               settings and tensors that differ; status 1 if any does
  checkpoint extract-ema FILE       the moving average of the weights as .safetensors
  checkpoint export FILE            the weights, their moving average or both as .safetensors
  checkpoint average A B...         a checkpoint with the mean of the weights of several

Each FILE is a .ckpt file or a run folder. Of a folder the newest checkpoint that can be read is taken; verify takes all
of them. "checkpoint COMMAND --help" describes the options of a command.
)";

int inspect(int argc, char** argv) {
  Paths paths;
  Settings settings =
      command("inspect", "Prints what a checkpoint holds. Checksums of tensors are not computed.", paths, "FILE");
  if (!settings.parse(argc, argv)) return 0;
  paths.check("inspect", 1, 1);
  const std::string path = newest_in(paths.files[0]);
  return std::cout << describe_contents(path, training::read_contents(path)), 0;
}

int verify(int argc, char** argv) {
  Paths paths;
  Settings settings =
      command("verify", "Computes every checksum of checkpoints. The status is 1 if one is damaged.", paths, "FILE...");
  if (!settings.parse(argc, argv)) return 0;
  paths.check("verify", 1, SIZE_MAX);
  int damaged = 0;
  for (const std::string& path : all_in(paths.files)) {
    try {
      training::verify_checkpoint(path);
      std::cout << "sound: " << path << ", step " << training::read_contents(path).state.step << "\n";
    } catch (const IoError& e) {
      std::cout << e.what() << "\n";
      ++damaged;
    }
  }
  return damaged == 0 ? 0 : 1;
}

int diff(int argc, char** argv) {
  Paths paths;
  bool all = false;
  Settings settings =
      command("diff", "Compares two checkpoints. The status is 0 if they are equal, 1 if not.", paths, "A B");
  settings.options().add("all", all, "list the tensors that are equal too");
  if (!settings.parse(argc, argv)) return 0;
  paths.check("diff", 2, 2);
  const training::LatestCheckpoint first = open_newest(paths.files[0]), second = open_newest(paths.files[1]);
  const training::CheckpointComparison comparison = training::compare_checkpoints(*first.state, *second.state);
  std::cout << first.path << " and " << second.path << "\n" << describe_comparison(comparison, all);
  return comparison.equal() ? 0 : 1;
}

int export_as(const std::string& name, training::Weights weights, const std::string& summary, int argc, char** argv) {
  Paths paths;
  Settings settings = command(name, summary, paths, "FILE");
  settings.options().add("out", paths.out, "the .safetensors file to write");
  if (name == "export")
    settings.options().add(
        "weights", weights, "both: as model.NAME and ema.NAME",
        {{"model", training::Weights::model}, {"ema", training::Weights::ema}, {"both", training::Weights::both}});
  if (!settings.parse(argc, argv)) return 0;
  paths.check(name, 1, 1, ".safetensors");
  const training::LatestCheckpoint found = open_newest(paths.files[0]);
  training::export_weights(paths.out, *found.state, weights, quote(found.path));
  std::cout << found.path << ", step " << found.state->step << ": " << paths.out << "\n";
  return 0;
}

int average(int argc, char** argv) {
  Paths paths;
  Settings settings = command("average",
                              "Writes a checkpoint with the mean of the weights of several, and of their "
                              "moving averages. It can be sampled from; a run cannot be resumed from it.",
                              paths, "A B...");
  settings.options().add("out", paths.out, "the .ckpt file to write");
  if (!settings.parse(argc, argv)) return 0;
  paths.check("average", 2, SIZE_MAX, ".ckpt");
  std::vector<std::string> files;
  for (const std::string& file : paths.files) files.push_back(newest_in(file));
  training::save_checkpoint(paths.out, training::average_checkpoints(files));
  std::cout << "mean of " << files.size() << " checkpoints: " << paths.out << "\n";
  return 0;
}

int checkpoint(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "--help";
  if (name == "-h" || name == "--help") return std::cout << overview, 0;
  if (name == "inspect") return inspect(argc - 1, argv + 1);
  if (name == "verify") return verify(argc - 1, argv + 1);
  if (name == "diff") return diff(argc - 1, argv + 1);
  if (name == "average") return average(argc - 1, argv + 1);
  if (name == "export")
    return export_as(name, training::Weights::model, "Writes weights of a checkpoint under their names.", argc - 1,
                     argv + 1);
  check<ConfigError>(name == "extract-ema", "there is no command ", name, "; see checkpoint --help");
  return export_as(name, training::Weights::ema, "Writes the moving average of the weights under their names.",
                   argc - 1, argv + 1);
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int error_status = 2;  // 1 means that something is damaged or differs
  return run_main(argc, argv, checkpoint, error_status);
}
