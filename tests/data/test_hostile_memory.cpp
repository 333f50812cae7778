// Small files that claim to be large: each is refused, or read, with little memory.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/gif.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/codecs/video/webp.h>
#include <ditharos/data/codecs/video/y4m.h>
#include <ditharos/data/datasets/images/idx.h>
#include <ditharos/data/datasets/images/image_files.h>
#include <ditharos/pipelines/image_pipeline.h>
#include <ditharos/pipelines/video_pipeline.h>
#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/tensor/random.h>
#include "examples/cli/options/autoencoder_settings.h"
#include "examples/cli/options/dit_settings.h"
#include "examples/cli/options/video_settings.h"
#include "tests/support/bounded_memory.h"
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/video_clips.h"

using namespace ditharos;
using namespace ditharos::tests;
using namespace ditharos::examples;

namespace {

/// A canvas of side x side for `count` frames of one pixel.
std::string gif_canvas(int side, int count) {
  std::string bytes("GIF89a");
  for (int i = 0; i < 2; ++i) bytes.append({static_cast<char>(side & 255), static_cast<char>(side >> 8)});
  bytes.append("\x80\x00\x00", 3).append("\x00\x00\x00\xff\xff\xff", 6);
  for (int i = 0; i < count; ++i) bytes.append("\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00", 15);
  return bytes + ";";
}

/// A black image of side x side with one bit a pixel.
std::string png_canvas(uint32_t side) {
  PngParts parts{.width = side, .height = side, .depth = 1};
  parts.lines = std::string(size_t{side} * (1 + side / 8), '\0');
  return parts.bytes();
}

std::string incompressible(size_t n) {
  Generator random(3);
  std::string bytes(n, '\0');
  for (char& c : bytes) c = static_cast<char>(static_cast<int>(random.uniform() * 256));
  return bytes;
}

/// The JSON of a header, with its length in front and nothing behind it.
std::string safetensors_file(const std::string& header) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(header.size() >> shift & 255);
  return bytes + header;
}

/// A checkpoint of a few kilobytes whose configuration describes something else.
std::string save_forged(const std::string& path, training::TrainState state) {
  state.model = {{"a", zeros({100})}};
  training::save_checkpoint(path, state);
  return path;
}
void replace(std::string& text, const std::string& from, const std::string& to) {
  REQUIRE(contains(text, from));
  text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("regression 10: a PNG chunk that claims more bytes than are left is refused at once") {
  const PngParts parts{.width = 4, .height = 4};
  for (const std::string type :
       {"tEXt", "iTXt", "zTXt", "pCAL", "sCAL", "sPLT", "iCCP", "eXIf", "hIST", "tRNS", "PLTE", "IDAT", "prVt"}) {
    for (const uint32_t length : {0x7fffffffu, 0x7ffffffeu, 0x40000000u, 5u}) {
      CAPTURE(type);
      CAPTURE(length);
      const std::string bytes = PngParts::signature() + png_chunk("IHDR", parts.header()) + be32(length) + type + "a";
      const auto info = [&] { return data::png_info(bytes, "a.png"), std::string("read"); };
      const auto pixels = [&] { return data::decode_png(bytes, 3, "a.png"), std::string("read"); };
      const std::string wanted =
          "cannot read a.png: the file is cut off: its chunk " + type + " claims " + std::to_string(length) + " bytes";
      CHECK(contains(with_memory(8 * MiB, info), wanted));
      CHECK(contains(with_memory(8 * MiB, pixels), wanted));
    }
  }
}

TEST_CASE("regression 10: chunks of a PNG other than its pixels take no memory") {
  // 16 texts that decompress to 64 MiB each.
  PngParts parts{.width = 4, .height = 4};
  parts.lines = std::string(4 * 5, '\0');
  const std::string bomb = png_chunk("zTXt", std::string("a\0\0", 3) + deflated(std::string(64 * MiB, 'x'), 15));
  for (int i = 0; i < 16; ++i) parts.before_data += bomb;
  const std::string bytes = parts.bytes();
  const auto read = [&] { return to_text(data::decode_png(bytes, 3, "a.png").shape()); };
  CHECK(with_memory(32 * MiB + 2 * bytes.size(), read) == "[3, 4, 4]");
}

TEST_CASE("regression 10: a large canvas in a small file is refused beyond a limit that can be raised") {
  std::string webp = data::encode_webp({square_clip(3, 12, 15), 8}, {}, "a");
  REQUIRE(webp.substr(12, 4) == "VP8X");
  webp.replace(24, 6, std::string("\xff\x0f\x00\xff\x0f\x00", 6));  // 4096 x 4096, less one each
  const std::string gif = gif_canvas(4096, 8), png = png_canvas(8192);
  CHECK(gif.size() < 300);
  CHECK(webp.size() < 1000);
  CHECK(png.size() < 20000);
  const auto shape_of = [](const Tensor& x) { return to_text(x.shape()); };
  CHECK(contains(with_memory(32 * MiB, [&] { return shape_of(data::decode_gif(gif, "a").frames); }), "max_pixels"));
  CHECK(contains(with_memory(32 * MiB, [&] { return shape_of(data::decode_webp(webp, "a").frames); }), "max_pixels"));
  CHECK(contains(with_memory(32 * MiB, [&] { return shape_of(data::decode_png(png, 1, "a")); }), "max_pixels"));

  const std::string small_gif = gif_canvas(64, 8), small_png = png_canvas(64);
  const std::string y4m = data::encode_y4m({square_clip(3, 12, 15), 8}, data::Chroma::half);
  const std::string small_webp = data::encode_webp({square_clip(3, 12, 15), 8}, {}, "a");
  CHECK(contains(message_of<IoError>([&] { data::decode_gif(small_gif, "a", 7 * 4096); }),
                 "8 or more frames of 64 x 64"));
  CHECK(data::decode_gif(small_gif, "a", 8 * 4096).frames.size(0) == 8);
  CHECK(contains(message_of<IoError>([&] { data::decode_png(small_png, 1, "a", 4095); }), "1 image of 64 x 64 pixels"));
  CHECK(data::decode_png(small_png, 1, "a", 4096).numel() == 4096);
  CHECK(contains(message_of<IoError>([&] { data::decode_y4m(y4m, "a", 3 * 180 - 1); }), "3 or more frames of 15 x 12"));
  CHECK(data::decode_y4m(y4m, "a", 3 * 180).frames.size(0) == 3);
  CHECK(contains(message_of<IoError>([&] { data::decode_webp(small_webp, "a", 3 * 180 - 1); }), "3 or more frames of"));
  CHECK(data::decode_webp(small_webp, "a", 3 * 180).frames.size(0) == 3);

  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "c/frames");
  for (const char* name : {"c/1.png", "c/2.png", "c/frames/1.png", "c/frames/2.png"})
    write_bytes(folder / name, small_png);
  const std::string frames = folder / "c/frames";
  CHECK(contains(message_of<IoError>([&] { data::read_clip(frames, 8191); }), "2 or more frames of 64 x 64"));
  CHECK(data::read_clip(frames, 8192).frames.size(0) == 2);
  const auto images = [&](int64_t limit) {
    return data::ImageFiles(folder.path(), data::Split::train, {.max_pixels = limit}).size();
  };
  CHECK(contains(message_of<IoError>([&] { images(4095); }), "1 image of 64 x 64 pixels"));
  CHECK(images(4096) == 4);
}

TEST_CASE("regression 10: an IDX file that claims more than it decompresses to") {
  const TemporaryFolder folder;
  const std::string labels = folder / "train-labels-idx1-ubyte.gz", images = folder / "train-images-idx3-ubyte.gz";
  const std::string some = incompressible(MiB);
  write_bytes(labels, gzipped(idx_bytes(0x801, {1000000000}, some)));
  write_bytes(images, gzipped(idx_bytes(0x803, {1000000, 28, 28}, some)));
  CHECK(contains(with_memory(36 * MiB, [&] { return data::read_idx_labels(labels), std::string("read"); }),
                 "it ends after 1048576 of the 1000000000 bytes of labels"));
  CHECK(contains(with_memory(36 * MiB, [&] { return data::read_idx_images(images), std::string("read"); }),
                 "it ends after 1048576 of the 784000000 bytes of images"));
}

TEST_CASE("regression 10: a model is built only after its size was compared with what the file holds") {
  const TemporaryFolder folder;
  SUBCASE("DiT") {
    DiTSettings run;
    Settings settings("", "");
    describe(settings, run);
    std::string text = settings.to_toml();
    replace(text, "hidden = 96", "hidden = 4096");
    training::TrainState state;
    state.configuration = text;
    pipelines::describe_image_checkpoint(state, run.model, {.class_names = {"a", "b"}});
    const std::string path = save_forged(folder / "a.ckpt", state);
    const auto load = [&] { return pipelines::ImagePipeline::from_pretrained(path), std::string("read"); };
    CHECK(contains(with_memory(48 * MiB, load),
                   "holds tensors of 100 elements, but its configuration describes a model of"));
  }
  SUBCASE("autoencoder") {
    AutoencoderSettings run;
    Settings settings("", "");
    describe(settings, run);
    training::TrainState state;
    state.kind = autoencoder_kind().name;
    state.configuration = settings.to_toml();
    replace(state.configuration, "\nwidth = 32", "\nwidth = 4096");
    replace(state.configuration, "max_width = 64", "max_width = 4096");
    const std::string path = save_forged(folder / "a.ckpt", state);
    CHECK(contains(with_memory(48 * MiB, [&] { return pipelines::load_autoencoder(path), std::string("read"); }),
                   "holds tensors of 100 elements, but its configuration describes a model of"));
  }
  SUBCASE("video") {
    VideoSettings run;
    Settings settings("", "");
    describe(settings, run);
    training::TrainState state;
    state.configuration = settings.to_toml();
    replace(state.configuration, "\nhidden = 192", "\nhidden = 6144");
    pipelines::describe_video_checkpoint(state, {data::Tokenizer::train({"a boot"}, 300), std::nullopt, ""});
    const std::string path = save_forged(folder / "a.ckpt", state);
    const auto load = [&] { return pipelines::VideoPipeline::from_pretrained(path), std::string("read"); };
    CHECK(contains(with_memory(48 * MiB, load),
                   "holds tensors of 100 elements, but its configuration describes a model of"));
  }
}

TEST_CASE("regression 10: the header of a safetensors file takes a small multiple of its size") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  const auto read = [&](const std::string& header, size_t times = 2) {
    write_bytes(path, safetensors_file(header));
    return with_memory(times * header.size() + 32 * MiB, [&] {
      const auto contents = safetensors::load(path);
      return std::to_string(contents.tensors.size()) + " " + std::to_string(contents.metadata.size());
    });
  };
  std::string many = "{", metadata = "{\"__metadata__\":{";
  for (int i = 0; i < 300000; ++i) {
    const std::string comma = i > 0 ? "," : "", name = "\"" + std::to_string(i) + "\"";
    many += comma + name + ":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
    metadata += comma + name + ":\"\"";
  }
  CHECK(contains(read(many + "}"), "more than 32768 tensors"));
  CHECK(contains(read(metadata + "}}"), "more than 32768 entries of metadata"));
  // nlohmann_json keeps a string twice while it reads it, in memory that grows by doubling.
  CHECK(read("{\"__metadata__\":{\"a\":\"" + std::string(60 * MiB, 'x') + "\"}}", 6) == "0 1");
  CHECK(read("{\"" + std::string(60 * MiB, 'x') + "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 6) ==
        "1 0");
}

TEST_CASE("regression 10: images of more tokens than fit are refused before a model is built") {
  DiTSettings run;
  run.model.height = 3000;
  run.model.width = 4000;
  CHECK(contains(message_of<ConfigError>([&] { run.settle(); }), "750000 tokens, and at most 8192 fit"));
  run.model.height = run.model.width = 4 * 91;  // 8281
  CHECK(contains(message_of<ConfigError>([&] { run.settle(); }), "8281 tokens"));
  run.model.height = run.model.width = 4 * 90;
  CHECK_NOTHROW(run.settle());
}
