#include "examples/cli/reports/clip_report.h"

#include <cstdio>

#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/training/run/json.h>

namespace ditharos::examples {
namespace {

void print_row(const char* name, const models::ClipScore& s) {
  std::string line = left_aligned(name, 32);
  for (const double share : {s.object.value(), s.direction.value(), s.motion.value(), s.sky.value()})
    line += " " + right_aligned(fixed_text(100 * share, 1), 8) + " %";
  std::printf("%s\n", line.c_str());
}

training::JsonObject as_json(const models::ClipScore& s) {
  return training::JsonObject()
      .add("object", s.object.value())
      .add("direction", s.direction.value())
      .add("motion", s.motion.value())
      .add("sky", s.sky.value())
      .add("objects_asked", s.object.asked)
      .add("directions_asked", s.direction.asked)
      .add("skies_asked", s.sky.asked);
}

training::JsonObject as_json(const pipelines::TaskFigures& t) {
  return training::JsonObject()
      .add("first", t.first)
      .add("first_and_last", t.ends)
      .add("extended_forwards", t.extended_forwards)
      .add("extended_backwards", t.extended_backwards)
      .add("loop_closure", t.loop_closure)
      .add("loop_neighbours", t.loop_neighbours);
}

}  // namespace

void print_scores(const ClipReport& report) {
  std::printf("\n%-32s %10s %10s %10s %10s\n", "", "object", "direction", "motion", "sky");
  print_row("real clips (upper bound)", report.real);
  print_row("real, coded and decoded", report.reconstructed);
  print_row("sampled clips", report.sampled);
  print_row("shuffled prompts (chance level)", report.shuffled);
  std::printf("\n%lld held-out prompts; direction is the motion where it is left, right, up or down (%lld prompts).\n",
              static_cast<long long>(report.prompts), static_cast<long long>(report.sampled.direction.asked));
}

void print_tasks(const pipelines::TaskFigures& t, int64_t clips) {
  const auto four = [](double x) { return fixed_text(x, 4); };
  std::printf(
      "\nerror of conditioning frames, root mean square of a range of 1, %lld clips:\n"
      "first %s, first and last %s, half extended forwards %s, backwards %s\n"
      "loops: last frame to first %s, other neighbours %s\n",
      static_cast<long long>(clips), four(t.first).c_str(), four(t.ends).c_str(), four(t.extended_forwards).c_str(),
      four(t.extended_backwards).c_str(), four(t.loop_closure).c_str(), four(t.loop_neighbours).c_str());
}

void write_json(const std::string& path, const ClipReport& report, const pipelines::VideoPipeline& pipeline) {
  training::JsonObject json = training::JsonObject()
                                  .add("checkpoint", pipeline.path())
                                  .add("step", pipeline.step())
                                  .add("prompts", report.prompts)
                                  .add("shape", data::to_text(report.shape))
                                  .add("sampling_steps", pipeline.sampler().steps)
                                  .add("guidance", pipeline.sampler().guidance.scale)
                                  .add("real", as_json(report.real))
                                  .add("coded", as_json(report.reconstructed))
                                  .add("sampled", as_json(report.sampled))
                                  .add("shuffled", as_json(report.shuffled));
  if (report.tasks) json.add("tasks", as_json(*report.tasks));
  AtomicFile file(path);
  const std::string text = json.text() + "\n";
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace ditharos::examples
