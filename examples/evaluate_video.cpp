// Does a text-to-video model show what it is asked for? Samples clips for prompts that it never saw in training and
// measures thing, direction, motion and sky on their frames, beside real clips and shuffled prompts. With --tasks also
// how exactly frames that were given come back, and how well loops close.
//
//   evaluate_video --checkpoint runs/video --prompts 200 --frames 16 --size 32x48 --tasks 20
#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/video_file.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/json.h>
#include <ditharos/training/output_files.h>
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/progress.h"
#include "examples/common/classifier_training.h"
#include "examples/common/clip_judge.h"
#include "examples/common/clip_tasks.h"
#include "examples/common/video_checkpoint.h"
#include "examples/common/video_sampling.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

struct Options {
  std::string checkpoint = "examples/checkpoints/sora.safetensors", size, cache = "runs/classifiers", json,
              sheet;
  int64_t prompts = 200, frames = 0, tasks = 0, judge_clips = 20000;
  double companions = 0;
  uint64_t seed = 0;
  int threads = 0;
  bool last_weights = false;
  ClassifierTraining classifier;
  VideoSampling sampling;
};

void describe(Settings& settings, Options& options) {
  settings.options()
      .add("checkpoint", options.checkpoint, "a run folder, a checkpoint or an export")
      .add("prompts", options.prompts, "number of held-out prompts", between(2, 1e6))
      .add("frames", options.frames, "length of the clips; 0: 8, or the nearest that the model was trained on",
           between(0, double(data::max_clip_frames)))
      .add("size", options.size, "height x width in pixels; empty: 32x32, or the nearest that it was trained on")
      .add("tasks", options.tasks, "prompts on which to measure given frames and loops as well; 0: none",
           between(0, 1e6))
      .add("companions", options.companions, "share of prompts that ask for a second thing", between(0, 1))
      .add("seed", options.seed, "decides the prompts and the noise that clips begin with")
      .add("last_weights", options.last_weights, "of a checkpoint: the last weights instead of their moving average")
      .add("cache", options.cache, "folder that keeps the trained judge for the next time")
      .add("sheet", options.sheet, "also write the first clips side by side to this PNG")
      .add("json", options.json, "also write the figures to this file")
      .add("threads", options.threads, "0: as many as there are cores. Results do not depend on it", between(0, 1024));
  settings.section("judge", "a classifier of things in clips, trained once")
      .add("judge_clips", options.judge_clips, "real clips that it learns from", between(1, 1e9))
      .add("judge_epochs", options.classifier.epochs, "times that it sees them", between(1, 1e6));
  describe_sampling(settings, options.sampling);
  settings.only_with({"last_weights"}, [&options] { return !options.checkpoint.ends_with(".safetensors"); },
                     "a checkpoint");
}

/// The classifier that says which thing a clip shows, trained on real clips of two frames.
models::ConvClassifier get_judge(const Options& options, const data::Dataset& things) {
  const std::vector<data::SampleShape> shapes = {{2, 32, 32}, {2, 32, 48}, {2, 48, 32}, {2, 32, 40}};
  const auto crops = [&](int64_t clips) {
    data::MovingGarmentsOptions of_clips;
    of_clips.count = clips;
    of_clips.second_thing = 0;
    return crops_of(data::MovingGarments(things, of_clips), shapes);
  };
  // A few crops stand for all of them: whoever changes how clips are made or measured changes these as well.
  const data::Dataset some = crops(32);
  const std::string fingerprint =
      classifier_fingerprint(some, options.classifier) + "clips = " + std::to_string(options.judge_clips) + "\n";
  std::optional<Progress> progress;
  const auto show = [&](int64_t step, int64_t total, double loss) {
    if (!progress) progress.emplace(0, total);
    if (step == 0) return;  // no loss is known yet
    progress->update(step, {{"loss", loss}});
    if (step == total) progress->finish();
  };
  const auto make = [&] {
    std::printf("training the judge, a classifier, on things from %lld real clips; once for these settings\n",
                static_cast<long long>(options.judge_clips));
    std::fflush(stdout);
    return crops(options.judge_clips);
  };
  CachedClassifier classifier =
      cached_classifier(options.cache, fingerprint, some, make, options.classifier, show);
  std::printf("judge: %s %s\n", classifier.was_cached ? "read from" : "saved as", classifier.path.c_str());
  return std::move(classifier.model);
}

/// What is asked for, and real clips of it.
struct HeldOut {
  std::vector<std::string> captions;
  std::vector<data::CaptionFacts> facts;
  std::vector<Tensor> real;  // u8 [F, 3, H, W]
};
HeldOut held_out_clips(const Options& options, const data::SampleShape& shape, const TrainedVideo& trained) {
  data::MovingGarmentsOptions made;
  made.split = data::SceneSplit::held_out;
  made.seed = options.seed;
  made.second_thing = options.companions;
  const data::MovingGarments clips(data::things_to_move(data::Split::test), made);
  HeldOut result;
  for (int64_t i = 0; i < clips.size() && int64_t(result.captions.size()) < options.prompts; ++i) {
    const data::Scene scene = clips.scene(i);
    if (int64_t(trained.tokenizer.encode(scene.caption).size()) > trained.run.model.text.length) continue;
    result.captions.push_back(scene.caption);
    result.facts.push_back(clips.grammar().read(scene.caption));
    result.real.push_back(clips.render(scene, shape));
  }
  check<ConfigError>(int64_t(result.captions.size()) == options.prompts, "there are only ", result.captions.size(),
                     " held-out prompts that the model can read, not ", options.prompts);
  return result;
}

/// Real clips as the autoencoder gives them back: what a perfect transformer on its latents would reach.
std::vector<Tensor> coded_and_decoded(const models::LatentVideo& model, const std::vector<Tensor>& clips) {
  std::vector<Tensor> result;
  for (const Tensor& clip : clips) {
    const Tensor back = model.from_latents(model.to_latents(unsqueeze(data::to_unit_range(clip), 0)));
    result.push_back(data::to_bytes(select(back, 0, 0)));
  }
  return result;
}

std::vector<ClipVerdict> judge_all(const models::ConvClassifier& judge, const std::vector<Tensor>& clips) {
  std::vector<ClipVerdict> verdicts;
  for (const Tensor& clip : clips) verdicts.push_back(judge_clip(judge, clip));
  return verdicts;
}

void print_row(const char* name, const ClipScore& s) {
  std::string line = left_aligned(name, 26);
  for (const double share : {s.thing.value(), s.direction.value(), s.motion.value(), s.sky.value()})
    line += " " + right_aligned(fixed_text(100 * share, 1), 8) + " %";
  std::printf("%s\n", line.c_str());
}

training::JsonObject as_json(const ClipScore& s) {
  return training::JsonObject()
      .add("thing", s.thing.value())
      .add("direction", s.direction.value())
      .add("motion", s.motion.value())
      .add("sky", s.sky.value())
      .add("things_asked", s.thing.asked)
      .add("directions_asked", s.direction.asked)
      .add("skies_asked", s.sky.asked);
}

void print_tasks(const TaskFigures& t, int64_t clips) {
  const auto four = [](double x) { return fixed_text(x, 4); };
  std::printf("\ngiven frames and what came back, root mean square of a range of 1, %lld clips:\n"
              "first %s, first and last %s, half extended forwards %s, backwards %s\n"
              "loops: last frame to first %s, other neighbours %s\n",
              static_cast<long long>(clips), four(t.first).c_str(), four(t.ends).c_str(),
              four(t.extended_forwards).c_str(), four(t.extended_backwards).c_str(), four(t.loop_closure).c_str(),
              four(t.loop_neighbours).c_str());
}

training::JsonObject as_json(const TaskFigures& t) {
  return training::JsonObject()
      .add("first", t.first)
      .add("first_and_last", t.ends)
      .add("extended_forwards", t.extended_forwards)
      .add("extended_backwards", t.extended_backwards)
      .add("loop_closure", t.loop_closure)
      .add("loop_neighbours", t.loop_neighbours);
}

void check_task_frames(int64_t tasks, int64_t frames) {
  check<ConfigError>(tasks == 0 || (frames >= 4 && frames % 2 == 0),
                     "--tasks needs an even number of --frames, at least 4, got ", frames);
}

int evaluate(int argc, char** argv) {
  Options options;
  Settings settings("evaluate_video", "Measures whether a text-to-video model shows what it is asked for.");
  describe(settings, options);
  if (!settings.parse(argc, argv)) return 0;
  if (options.threads > 0) set_num_threads(options.threads);
  check<ConfigError>(options.tasks <= options.prompts, "--tasks ", options.tasks, " are more than --prompts ",
                     options.prompts);
  if (options.frames > 0) check_task_frames(options.tasks, options.frames);
  if (!options.size.empty()) parse_frame_size(options.size, "--size");
  check_png_name("--sheet", options.sheet);
  check_outputs({{"--sheet", options.sheet}, {"--json", options.json}},
                {{"--checkpoint", options.checkpoint, true}, {"--config", settings.config_path()}});
  training::check_output_file(options.json);
  training::check_output_file(options.sheet);
  training::check_output_folder(options.cache);
  TrainedVideo trained = load_video(options.checkpoint, !options.last_weights);
  // How the model was trained to be sampled is the default; what the command line says wins over it.
  options.sampling = trained.run.sampling;
  settings.parse(argc, argv);
  trained.run.sampling = options.sampling;
  settings.say_without_effect();
  const std::string& clips_of = trained.run.clips.data;
  check<ConfigError>(is_moving_garments(clips_of), "\"", trained.path, "\" was trained on the clips of \"", clips_of,
                     "\", but evaluate_video asks for the garments of \"moving-garments\" and recognises nothing else: "
                     "its figures would say nothing of this model");
  const data::SampleShape shape = wanted_shape(trained.run.clips, {8, 32, 32}, options.frames, options.size);
  check_task_frames(options.tasks, shape.frames);
  check_clip_shape(trained.model, shape, "--frames, --size");
  warn_of_untrained(trained.run.clips, shape);

  const models::ConvClassifier judge = get_judge(options, data::things_to_move(data::Split::train));
  const HeldOut held_out = held_out_clips(options, shape, trained);
  std::printf("sampling %lld clips of %s: %lld steps, guidance %s\n", static_cast<long long>(options.prompts),
              data::to_text(shape).c_str(), static_cast<long long>(options.sampling.steps),
              general_text(options.sampling.guidance.scale, 6).c_str());
  Progress progress(0, options.prompts, "clip");
  const Tensor sampled = sample_clips(trained.model, trained.tokenizer, trained.run, held_out.captions,
                                      {.shape = shape, .seed = options.seed},
                                      [&](double share, int64_t, const Tensor&) {
    progress.update(int64_t(share * double(options.prompts)));
  });
  progress.finish();
  std::vector<Tensor> clips;
  for (int64_t i = 0; i < options.prompts; ++i) clips.push_back(data::to_bytes(select(sampled, 0, i)));

  const std::vector<ClipVerdict> verdicts = judge_all(judge, clips);
  const ClipScore real = score_clips(held_out.facts, judge_all(judge, held_out.real));
  const ClipScore coded =
      score_clips(held_out.facts, judge_all(judge, coded_and_decoded(trained.model, held_out.real)));
  const ClipScore score = score_clips(held_out.facts, verdicts), chance = score_shuffled(held_out.facts, verdicts);
  std::printf("\n%-26s %10s %10s %10s %10s\n", "", "thing", "direction", "motion", "sky");
  print_row("real clips (ceiling)", real);
  print_row("real, coded and decoded", coded);
  print_row("sampled clips", score);
  print_row("shuffled prompts (chance)", chance);
  std::printf("\n%lld held-out prompts; direction is the motion where it is left, right, up or down (%lld prompts).\n",
              static_cast<long long>(options.prompts), static_cast<long long>(score.direction.asked));
  std::optional<TaskFigures> tasks;
  if (options.tasks > 0) {
    const auto some = [&](const auto& all) { return std::vector(all.begin(), all.begin() + options.tasks); };
    tasks = measure_tasks(trained, some(held_out.captions), some(held_out.real), options.seed);
    print_tasks(*tasks, options.tasks);
  }
  if (!options.sheet.empty()) {
    const int64_t shown = std::min<int64_t>(12, options.prompts);
    save_contact_sheet(options.sheet, slice(sampled, 0, 0, shown),
                       {held_out.captions.begin(), held_out.captions.begin() + shown});
  }
  if (!options.json.empty()) {
    AtomicFile file(options.json);
    training::JsonObject json = training::JsonObject()
                          .add("checkpoint", trained.path)
                          .add("step", trained.step)
                          .add("prompts", options.prompts)
                          .add("shape", data::to_text(shape))
                          .add("sampling_steps", options.sampling.steps)
                          .add("guidance", options.sampling.guidance.scale)
                          .add("real", as_json(real))
                          .add("coded", as_json(coded))
                          .add("sampled", as_json(score))
                          .add("shuffled", as_json(chance));
    if (tasks) json.add("tasks", as_json(*tasks));
    const std::string text = json.text() + "\n";
    file.write(text.data(), text.size());
    file.commit();
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, evaluate); }
