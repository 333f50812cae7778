// The trace of the exercise, with the sum of every number, and the printed text.
#include <doctest/doctest.h>

#include <set>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/io/file.h>
#include "examples/by_hand/frames.h"
#include "examples/by_hand/prepare.h"
#include "examples/by_hand/print.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"

namespace ditharos::test_sora_trace {

using namespace ditharos::by_hand;
using ditharos::tests::message_of;
using ditharos::tests::same_bits;

namespace {

std::vector<Options> modes() {
  std::vector<Options> modes(6);
  modes[1].as_printed = true;
  modes[2].steps = 3;
  modes[3].soft = true, modes[3].steps = 2;
  modes[4].generate = true, modes[4].steps = 3, modes[4].frames = 2, modes[4].height = 4;
  modes[5].frames = 4, modes[5].height = 6, modes[5].width = 4, modes[5].patch = {2, 3, 2}, modes[5].latent_width = 3,
  modes[5].bits = 4, modes[5].prompt = "a boot falls through the night", modes[5].seed = 3;
  return modes;
}

Cell cell_of(const Trace& trace, const char* symbol, int64_t row, int64_t column) {
  for (size_t i = trace.matrices().size(); i-- > 0;)
    if (trace.matrices()[i].heading.symbol == symbol) return {int(i), row, column};
  return {-1, 0, 0};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("sora trace: the sum behind every number gives the library's number, in every mode") {
  for (const Options& options : modes()) {
    Run run = prepare(options);
    if (options.soft) train(run, {.steps = 10});
    const Trace trace = walk(run).trace;
    int sums = 0, off = 0;
    for (size_t i = 0; i < trace.matrices().size(); ++i) {
      const Matrix& m = trace.matrices()[i];
      for (int64_t r = 0; r < m.rows; ++r)
        for (int64_t c = 0; c < m.columns; ++c) {
          const Cell cell{int(i), r, c};
          sums += !trace.origin(cell).terms.empty();
          const double again = trace.recompute(cell), value = trace.value(cell);
          // Whole numbers and eighths are exact; what softmax made is not, nor are twelfths.
          const bool exact = !options.soft && options.latent_width != 3;
          off += exact ? again != value : std::abs(again - value) > 1e-12 * std::max(1., std::abs(value));
          for (const Term& term : trace.origin(cell).terms)
            for (const Cell& factor : term.factors) REQUIRE(factor.matrix < int(i));  // from what was there before
        }
    }
    CHECK(sums > 100);
    CHECK_EQ(off, 0);
  }
}

TEST_CASE("sora trace: every number of [1] to [13] has a sum; only inputs, weights and noise are given") {
  const std::set<std::string> given = {"N", "words", "tb", "We", "be", "Wa", "ba", "Wq", "Wk", "Wf", "bf", "Wd", "bd"};
  for (const Options& options : modes()) {
    const Trace trace = walk(prepare(options)).trace;
    for (size_t i = 0; i < trace.matrices().size(); ++i) {
      const Matrix& m = trace.matrices()[i];
      const bool is_given = given.contains(m.heading.symbol) || m.heading.symbol.starts_with("frame ");
      CAPTURE(m.heading.symbol);
      for (int64_t r = 0; r < m.rows; ++r)
        for (int64_t c = 0; c < m.columns; ++c) CHECK_EQ(trace.origin({int(i), r, c}).terms.empty(), is_given);
    }
  }
}

TEST_CASE("sora trace: the sums as text") {
  Options options;
  options.as_printed = true;
  const Trace trace = walk(prepare(options)).trace;
  const auto text = [&](const char* symbol, int64_t row, int64_t column) {
    return trace.explain(cell_of(trace, symbol, row, column));
  };
  CHECK_EQ(text("X", 0, 0), "1");
  CHECK_EQ(text("z", 1, 3), "0*1 + 1*1 + 0*0 + 1*1 + 1 = 3");
  CHECK_EQ(text("L", 1, 3), "max(0, 3) = 3");
  CHECK_EQ(text("Z", 1, 2), "2 + (-1) = 1");
  CHECK_EQ(text("y", 2, 0), "0*0 + 1*1 + 0*(-1) + 0*1 + 0*1 + (-2) = -1");
  CHECK_EQ(text("C", 0, 1), "2*(-1) + (-1) = -3");
  CHECK_EQ(text("A", 2, 0), "-13 is the largest of -18, -36, -13, -17: 1");
  CHECK_EQ(text("A", 0, 0), "-18 is not the largest of -18, -36, -13, -17: 0");
  CHECK_EQ(text("P", 0, 1), "1*(-3) + (-1)*3 + 3 = -3");
  CHECK_EQ(text("G", 1, 1), "-1 - 0 = -1");
  CHECK_EQ(text("MSE", 0, 0),
           "(0*0 + (-2)*(-2) + (-1)*(-1) + 1*1 + (-1)*(-1) + (-1)*(-1) + (-1)*(-1) + 0*0) / 8 = "
           "1.125");
  CHECK_EQ(text("dP", 0, 1), "(2*(-2)) / 8 = -0.5");
  CHECK_EQ(text("D", 1, 2), "1 - (-2) = 3");
  CHECK_EQ(text("V", 0, 0), "max(0, 0) = 0");
  CHECK_EQ(number_text(-.0001), "0");
  CHECK_EQ(number_text(1. / 3), "0.333");
  CHECK_EQ(number_text(-12), "-12");
}

TEST_CASE("sora trace: the article's numbers are marked, the misprint too, and no others") {
  const auto marks = [](const Options& options, const char* symbol) {
    const Trace trace = walk(prepare(options)).trace;
    std::string text;
    for (const Source s : trace.find(symbol)->sources)
      text += s == Source::article ? 'a' : s == Source::ours ? 'o' : 'm';
    return text;
  };
  Options options;
  CHECK_EQ(marks(options, "We"), "aaaaaaaa");
  CHECK_EQ(marks(options, "shift"), "aa");
  CHECK_EQ(marks(options, "y"), "aaaa");
  CHECK_EQ(marks(options, "Wa"), std::string(20, 'o'));
  CHECK_EQ(marks(options, "G"), "oooooooo");  // with the correct shift it is 0 there
  options.as_printed = true;
  CHECK_EQ(marks(options, "shift"), "ma");
  CHECK_EQ(marks(options, "y"), "aama");
  CHECK_EQ(marks(options, "G"), "oooooaoo");
  options = {};
  options.prompt = "a boot falls";
  CHECK_EQ(marks(options, "e"), "ooo");
  CHECK_EQ(marks(options, "scale"), "oo");
}

TEST_CASE("sora print: every step under its number, wide matrices truncated, lines not too long") {
  const std::string text = print(walk(prepare({})).trace);
  for (int step = 1; step <= 13; ++step) CHECK(contains(text, "\n[" + std::to_string(step) + "] "));
  CHECK(contains(text, "We  2x4  article"));
  CHECK(contains(text, "    1*  0* -1*  0*"));
  Options large;
  large.frames = 8, large.height = 8, large.width = 8;
  const std::string wide = print(walk(prepare(large)).trace);
  CHECK(contains(wide, " ... 112 more columns\n"));
  CHECK(contains(wide, "  ... 112 more rows"));
  for (size_t at = 0; at < wide.size(); at = wide.find('\n', at) + 1) CHECK(wide.find('\n', at) - at <= 130);
}

TEST_CASE("sora given: a video of too many patches is refused before it fills the memory") {
  Options options;
  options.frames = options.height = options.width = 64;
  CHECK_EQ(message_of<ConfigError>([&] { prepare(options); }),
           "the video has 65536 patches, and the exercise takes at most 256, each of which looks at all of them: take "
           "a smaller video or larger patches");
}

TEST_CASE("sora given: a video from a text file, and what is refused") {
  const Tensor video = parse_frames("# two frames\n1 0\n0, 0.5  # a comment\n\n\n0 1\r\n1 1\n", "v.txt");
  CHECK_EQ(video.shape(), Shape{2, 1, 2, 2});
  CHECK_EQ(video.to_vector<double>(), std::vector<double>{1, 0, 0, .5, 0, 1, 1, 1});
  const auto refused = [](const char* text) { return message_of<IoError>([&] { parse_frames(text, "v.txt"); }); };
  CHECK_EQ(refused(""), "v.txt: there is no frame in it");
  CHECK_EQ(refused("# nothing\n\n"), "v.txt: there is no frame in it");
  CHECK_EQ(refused("1 0\n1 x\n"), "v.txt:2: \"x\" is not a pixel: a number from 0 (black) to 1 (white)");
  CHECK_EQ(refused("1 0\n1 nan\n"), "v.txt:2: \"nan\" is not a pixel: a number from 0 (black) to 1 (white)");
  CHECK_EQ(refused("1 2\n"), "v.txt:1: \"2\" is not a pixel: a number from 0 (black) to 1 (white)");
  CHECK_EQ(refused("1 0\n1\n"), "v.txt:2: this row has 1 pixel, the first one has 2");
  CHECK_EQ(refused("1 0\n1 1\n\n0 0\n"), "v.txt: frame 2 has 1 row, the first one has 2");
  CHECK_EQ(refused("1 0\n\n0 0\n1 1\n\n1 1\n"), "v.txt:5: frame 2 has 2 rows, the first one has 1");
  const tests::TemporaryFolder folder;
  CHECK(contains(message_of<IoError>([&] { read_frames(folder / "none.txt"); }), "none.txt"));
  Options options;
  options.video = folder / "none.txt";
  CHECK_THROWS_AS(prepare(options), IoError);
}

TEST_CASE("sora [13]: the new video is a file that a person can watch") {
  const tests::TemporaryFolder folder;
  const Run run = prepare({});
  const Result result = walk(run);
  write_strip(folder / "strip.png", {run.video, result.video}, {"training video", "new video"});
  const Tensor image = data::read_png(folder / "strip.png", 1);
  CHECK(image.size(2) > 4 * 2 * 40);  // four frames of two pixels, each pixel large
  const auto pixels = image.to_vector<int64_t>();
  CHECK(std::set<int64_t>(pixels.begin(), pixels.end()).size() >= 2);
}

TEST_CASE("sora: prompt and step give a new video, reproducible by seed; the prompt changes it; and from noise alone") {
  Options options;
  options.seed = 4;
  options.steps = 3;
  const Tensor video = walk(prepare(options)).video;
  CHECK(same_bits(walk(prepare(options)).video, video));
  options.prompt = "a boot falls through a night sky";
  CHECK_FALSE(same_bits(walk(prepare(options)).video, video));
  options = {};
  options.generate = true, options.steps = 3, options.seed = 4, options.frames = 6, options.height = 4;
  Run run = prepare(options);
  run.video = {};  // there is none
  const Result generated = walk(run);
  CHECK_EQ(generated.video.shape(), Shape{6, 1, 4, 2});
  CHECK(same_bits(walk(run).video, generated.video));
  for (const Section& s : generated.trace.sections()) CHECK((s.number >= 3 && s.number != 10));
  run.noise = run.noise * 2.0;
  CHECK_FALSE(same_bits(walk(run).video, generated.video));
}

}  // namespace ditharos::test_sora_trace
