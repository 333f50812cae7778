#include "examples/cli/reports/image_report.h"

#include <cstdio>

#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/training/run/json.h>

namespace ditharos::examples {
namespace {

void print_row(const std::string& name, const models::ImageQuality& q) {
  const double percent = 100 * q.accuracy.value_or(0);
  std::printf("%-30s %8lld", name.c_str(), static_cast<long long>(q.images));
  if (q.accuracy) std::printf(" %14s %%", fixed_text(percent, 1).c_str());
  else std::printf(" %16s", "-");
  std::printf(" %17s\n", fixed_text(q.frechet, 3).c_str());
}

training::JsonObject as_json(const models::ImageQuality& q, const std::vector<std::string>& class_names) {
  training::JsonObject object, by_class;
  object.add("images", q.images).add("frechet_distance", q.frechet);
  for (size_t c = 0; c < q.by_class.size(); ++c) by_class.add(class_names[c], q.by_class[c]);
  if (q.accuracy) object.add("class_accuracy", *q.accuracy).add("class_accuracy_by_class", by_class);
  return object;
}

}  // namespace

void print_table(const models::ImageEvaluator& evaluator, const std::optional<models::ImageQuality>& samples,
                 const pipelines::ImagePipeline* pipeline, const std::vector<std::string>& class_names) {
  std::printf("\n%-30s %8s %16s %17s\n", "", "images", "class accuracy", "Frechet distance");
  print_row("real test images (upper bound)", evaluator.real());
  if (samples) print_row("samples, step " + std::to_string(pipeline->step()), *samples);
  if (samples && samples->accuracy && class_names.size() <= 20) {
    std::printf("\n%-30s %8s %8s\n", "class accuracy in %", "real", "samples");
    for (size_t c = 0; c < class_names.size(); ++c) {
      std::printf("%-30s %8s %8s\n", class_names[c].c_str(), fixed_text(100 * evaluator.real().by_class[c], 1).c_str(),
                  fixed_text(100 * samples->by_class[c], 1).c_str());
    }
  }
  std::printf("\nFrechet distances are from the features of the other %lld test images.\n",
              static_cast<long long>(evaluator.reference_images()));
}

void write_json(const std::string& path, const models::ImageEvaluator& evaluator,
                const std::optional<models::ImageQuality>& samples, const pipelines::ImagePipeline* pipeline,
                const std::string& data, const std::vector<std::string>& class_names) {
  training::JsonObject object;
  object.add("data", data).add("classifier_test_accuracy", evaluator.test_accuracy());
  object.add("reference_images", evaluator.reference_images()).add("real", as_json(evaluator.real(), class_names));
  if (samples) {
    const models::SamplerConfig& sampler = pipeline->sampler();
    object.add("checkpoint", pipeline->path()).add("step", pipeline->step());
    object.add("sampler", models::name_of(sampler.kind));
    object.add("sampling_steps", sampler.steps).add("guidance", sampler.guidance.scale);
    object.add("samples", as_json(*samples, class_names));
  }
  AtomicFile file(path);
  const std::string text = object.text() + "\n";
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace ditharos::examples
