// The video model that comes with the repository, and the configurations it was trained with.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/synthetic/clip_measure.h>
#include <ditharos/pipelines/clip_tasks.h>
#include "examples/cli/options/autoencoder_settings.h"
#include "examples/cli/options/video_settings.h"
#include "tests/support/paths.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

std::string in_examples(const std::string& path) { return tests::source_folder() + "/examples/" + path; }

void read_configuration(Settings& settings, const std::string& name) {
  const std::string path = in_examples("configs/" + name);
  const char* argv[] = {"test", "--config", path.c_str()};
  CHECK(settings.parse(3, const_cast<char**>(argv)));
}

}  // namespace

TEST_CASE("stored video model: the configurations fit the programs, and later stages the first") {
  Settings of_autoencoder("", ""), of_start("", "");
  AutoencoderSettings autoencoder;
  describe(of_autoencoder, autoencoder);
  read_configuration(of_autoencoder, "video_autoencoder.toml");
  VideoSettings start;
  describe(of_start, start);
  read_configuration(of_start, "video_start.toml");
  settle(start);
  for (const char* name : {"video.toml", "video_finish.toml"}) {
    CAPTURE(name);
    Settings of_later("", "");
    VideoSettings later;
    describe(of_later, later);
    read_configuration(of_later, name);
    settle(later);
    CHECK(later.model == start.model);
    CHECK(later.patch == start.patch);
    CHECK_EQ(later.tokenizer.vocabulary, start.tokenizer.vocabulary);
  }
}

TEST_CASE("stored video model: objects move as the prompt says, under the sky that it names") {
  const std::string path = in_examples("checkpoints/sora.safetensors");
  CHECK_LE(std::filesystem::file_size(path), 20'000'000);
  const auto pipeline = pipelines::VideoPipeline::from_pretrained(path);
  // Pairs of object and direction that training never showed.
  struct Case {
    const char* prompt;
    data::Motion motion;
    data::Sky sky;
  };
  const Case cases[] = {{"a red t-shirt drifts left through a night sky", data::Motion::left, data::Sky::night},
                        {"a yellow bag flies right by day", data::Motion::right, data::Sky::day},
                        {"a blue dress rises through a dawn sky", data::Motion::up, data::Sky::dawn},
                        {"a white sandal falls through a night sky", data::Motion::down, data::Sky::night}};
  std::vector<std::string> prompts;
  for (const Case& c : cases) prompts.push_back(c.prompt);
  Tensor made;  // u8 [F, 3, H, W]
  for (const data::SampleShape& shape : {data::SampleShape{8, 32, 32}, data::SampleShape{12, 40, 32}}) {
    const Tensor clips = pipeline(prompts, {.shape = shape});
    made = data::to_bytes(select(clips, 0, 0));
    for (size_t i = 0; i < prompts.size(); ++i) {
      CAPTURE(prompts[i]);
      CAPTURE(data::to_text(shape));
      const data::ClipMeasurement seen = data::measure_clip(data::to_bytes(select(clips, 0, int64_t(i))));
      CHECK(seen.motion == cases[i].motion);
      CHECK(seen.sky == cases[i].sky);
    }
  }

  const pipelines::TaskFigures tasks = measure_tasks(pipeline, {prompts[0]}, {made}, 1);
  for (const double difference : {tasks.first, tasks.ends, tasks.extended_forwards, tasks.extended_backwards}) {
    CHECK_GT(difference, 0);
    CHECK_LT(difference, .05);
  }
  CHECK_GT(tasks.loop_neighbours, 0);
}
