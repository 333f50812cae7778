// Writes everything that sampling needs of a trained text-to-video model into one small file.
//
//   export_video --checkpoint runs/video --out sora.safetensors
#include <cstdio>
#include <string>

#include <ditharos/pipelines/video_pipeline.h>
#include <ditharos/tensor/io/number_text.h>
#include "examples/cli/inputs.h"
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/run_reporter.h"
#include "examples/cli/settings.h"

using namespace ditharos;
using namespace ditharos::examples;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int count, char** arguments) {
    std::string checkpoint = "runs/video", out = "video.safetensors";
    bool last_weights = false;
    Settings settings("export_video",
                      "Writes the averaged weights of a text-to-video model, its autoencoder, its "
                      "tokenizer and its configuration into one file for sample_video.");
    settings.options()
        .add("checkpoint", checkpoint, "a run folder or a checkpoint of train_video")
        .add("out", out, "the .safetensors file to write")
        .add("last_weights", last_weights, "the last weights instead of their moving average");
    settings.only_with({"last_weights"}, [&] { return !checkpoint.ends_with(".safetensors"); }, "a checkpoint");
    if (!settings.parse(count, arguments)) return 0;
    check_outputs({{"--out", out}}, {{"--checkpoint", checkpoint, true}, {"--config", settings.config_path()}});
    pipelines::check_export_path(out);
    check_inputs({{"--checkpoint", checkpoint}});
    settings.say_without_effect();
    RunReporter reporter;
    auto pipeline =
        pipelines::VideoPipeline::from_pretrained(checkpoint, {.averaged = !last_weights, .reporter = &reporter});
    const int64_t bytes = pipeline.save(out);
    std::printf("%s, step %lld: %s, %s MB\n", pipeline.path().c_str(), static_cast<long long>(pipeline.step()),
                out.c_str(), fixed_text(double(bytes) / 1e6, 1).c_str());
    return 0;
  });
}
