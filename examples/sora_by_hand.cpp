// The exercise "Sora's diffusion transformer by hand": from a tiny video, a prompt and a step to a new video, with
// every matrix of the thirteen steps. docs/sora.md walks through what it prints.
//
//   sora_by_hand                     the exercise, in whole numbers
//   sora_by_hand --as-printed        with the article's misprint, marked
//   sora_by_hand --t 3               all three diffusion steps
//   sora_by_hand --soft              softmax attention, and it learns
//   sora_by_hand --html page.html    the same as a page: point at a number to see its sum
#include <cstdio>
#include <string>

#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/training/run/output_files.h>
#include "examples/by_hand/frames.h"
#include "examples/by_hand/misprint.h"
#include "examples/by_hand/page.h"
#include "examples/by_hand/prepare.h"
#include "examples/by_hand/print.h"
#include "examples/cli/inputs.h"
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/settings.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

struct Command {
  by_hand::Options run;
  by_hand::TrainingOptions training;
  std::string out, html;
  int64_t t = by_hand::exercise_step;
  uint64_t seed = 0;
};

/// False after the help was printed.
bool read_command(Command& c, int argc, char** argv) {
  Settings settings("sora_by_hand",
                    "Computes Sora's diffusion transformer by hand: thirteen steps, every number shown.");
  by_hand::Options& run = c.run;
  settings.options()
      .add("prompt", run.prompt, "what the video shows, in words")
      .add("video", run.video,
           "the training video: a text file, a row of pixels (0 to 1) per line, an empty line between "
           "two frames; the exercise's when not given")
      .add("t", c.t,
           "run the diffusion steps 1 to N, from the largest noise to the smallest; when not given, the "
           "exercise's one pass at t = 3",
           between(1, 1 << 30))
      .add("bits", run.bits, "binary digits of the step's vector", between(1, 30))
      .add("seed", c.seed, "seed of noise and random weights; when not given, the exercise's noise")
      .add("generate", run.generate, "begin with noise alone instead of a noised training video")
      .add("as_printed", run.as_printed, "keep the article's misprinted shift [-1, 5]")
      .add("soft", run.soft, "softmax attention instead of the largest score; the network learns first")
      .add("training_steps", c.training.steps, "of --soft", between(0, 1e9))
      .add("training_rate", c.training.learning_rate, "learning rate of --soft", above(0).at_most(largest_float))
      .add("learning_rate", run.learning_rate, "of the one SGD step that [10] tries", above(0).at_most(largest_float));
  settings.options()
      .add("frames", run.frames, "frames of a synthetic video, a moving dot, or of a generated one", between(1, 64))
      .add("height", run.height, "its rows", between(1, 64))
      .add("width", run.width, "its columns", between(1, 64))
      .add("patch", run.patch, "frames, rows and columns of a spacetime patch", between(1, 64).count(3))
      .add("pad", run.pad, "repeat the last frame, row and column until the patch divides the video")
      .add("latent_width", run.latent_width, "length of a patch's latent vector", between(1, 64))
      .add("out", c.out, "write the new video: .png a strip of frames, .gif or .webp or .mp4 one that moves")
      .add("html", c.html, "write a page that shows the sum of each number");
  if (!settings.parse(argc, argv)) return false;
  const auto given = [&](const char* name) { return settings.origin(name) != "default"; };
  if (given("t")) run.steps = c.t;
  if (given("seed")) run.seed = c.training.seed = c.seed;
  check<ConfigError>(!given("video") || !run.video.empty(), "--video: there is no training video: name a text file");
  check<ConfigError>(run.video.empty() || !(given("frames") || given("height") || given("width")),
                     "--video brings its own size; --frames, --height and --width are for a synthetic video");
  check<ConfigError>(run.soft || !(given("training_steps") || given("training_rate")),
                     "--training-steps and --training-rate need --soft: the exercise's whole numbers do not learn");
  if (!c.out.empty()) data::check_clip_output(c.out);
  check_outputs({{"--out", c.out}, {"--html", c.html}}, {{"--video", run.video}, {"--config", settings.config_path()}});
  training::check_output_file(c.html);
  check_inputs({{"--video", run.video}});
  return true;
}

void print_legend(const by_hand::Options& run) {
  std::printf(
      "Sora's diffusion transformer by hand. Vectors are columns, one patch a column. * marks a number that the "
      "article\nstates; all others are ours, chosen to agree with those.%s\n\n",
      run.as_printed ? " ! marks a misprint of the article." : "");
}

void learn(by_hand::Run& run, const by_hand::TrainingOptions& options) {
  std::printf(
      "Training: %lld steps of SGD, fresh noise each time; the mean squared error over 256 draws that stay the "
      "same:\n",
      static_cast<long long>(options.steps));
  by_hand::train(run, options, [](int64_t step, double loss) {
    std::printf("    step %4lld  MSE %s\n", static_cast<long long>(step), fixed_text(loss, 3).c_str());
  });
  std::printf("\n");
}

void write_results(const Command& command, const by_hand::Run& run, const by_hand::Result& result) {
  const std::string& out = command.out;
  if (!out.empty()) {
    if (!out.ends_with(".png")) by_hand::write_moving(out, result.video);
    else if (run.generate) by_hand::write_strip(out, {result.video}, {"generated from noise"});
    else by_hand::write_strip(out, {run.video, result.video}, {"training video", "new video"});
    std::printf("%s: the new video\n", out.c_str());
  }
  if (command.html.empty()) return;
  by_hand::write_page(command.html, result.trace, "Sora's diffusion transformer by hand");
  std::printf("%s: the page\n", command.html.c_str());
}

int run(int argc, char** argv) {
  Command command;
  if (!read_command(command, argc, argv)) return 0;
  by_hand::Run run = by_hand::prepare(command.run);
  print_legend(command.run);
  if (command.run.soft) learn(run, command.training);
  const by_hand::Result result = by_hand::walk(run);
  std::printf("%s", by_hand::print(result.trace).c_str());
  if (by_hand::is_the_exercise(command.run)) std::printf("%s", by_hand::misprint_comparison(command.run).c_str());
  write_results(command, run, result);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
