#include "examples/by_hand/walk.h"

#include <cmath>

#include <ditharos/autograd/ops.h>
#include "examples/by_hand/walk_gradient.h"

namespace ditharos::by_hand {
namespace {

/// The exercise's notation: [1, T, D] as a matrix with one patch per column, [D, T].
Tensor columns(const Tensor& x) { return transpose(select(x, 0, 0), 0, 1); }
/// A vector [1, D] or [D] as a column, [D, 1].
Tensor column(const Tensor& x) { return reshape(x, {-1, 1}); }

std::string shape_text(const models::PatchGrid& grid) {
  return std::to_string(grid.frames) + " x " + std::to_string(grid.rows) + " x " + std::to_string(grid.columns);
}

class Walk {
 public:
  explicit Walk(const Run& run) : run_(run) {}

  Result operator()() {
    const int64_t last = *run_.steps, first = run_.all_steps ? 1 : last;
    if (!run_.generate) {
      given();
      patches();
      encode();
    }
    Tensor z;
    for (int64_t t = first; t <= last; ++t) {
      pass_ = run_.all_steps ? t : 0;
      noise(t, first, z);
      z = denoise(t, z);
    }
    pass_ = 0;
    result_.denoised = z;
    decode(z);
    return std::move(result_);
  }

 private:
  void begin(int number, const std::string& title) { trace().begin(number, pass_, title); }
  Trace& trace() { return result_.trace; }
  int add(const Heading& heading, const Tensor& values, const OriginOf& origin = {}) {
    const int matrix = trace().add(heading, values, origin);
    trace().mark(matrix, stated_by_article(heading.symbol));
    return matrix;
  }
  int weights(const std::string& symbol, const std::string& name, const Tensor& values) {
    return add({.symbol = symbol, .name = name, .formula = "", .place = Place::weights}, values);
  }

  void given() {
    begin(0,
          "Given: the training video, the prompt \"" + run_.prompt + "\", the step t = " + std::to_string(*run_.steps));
    for (int64_t f = 0; f < run_.video.size(0); ++f)
      frames_.push_back(add({"frame " + std::to_string(f + 1), "of the training video", "", Place::stream},
                            select(select(run_.video, 0, f), 0, 0)));
  }

  void patches() {
    begin(1, "The video becomes spacetime patches, one a column");
    trace().note("Patches of " + to_text(run_.sizes.patch) + " (frames x rows x columns): " + shape_text(run_.grid) +
                 " of them. Every pixel is used once.");
    const int64_t rows = run_.video.size(2), width = run_.video.size(3), volume = run_.sizes.patch.volume();
    const Tensor x = models::patchify(unsqueeze(run_.video, 0), run_.sizes.patch);
    const auto pixel_of = [=, frames = frames_, pixels = patch_pixels(rows, width)](int64_t r, int64_t c) {
      const int64_t i = pixels[size_t(c * volume + r)], in_frame = i % (rows * width);
      return Origin{.terms = {{.factors = {{frames[size_t(i / (rows * width))], in_frame / width, in_frame % width}}}}};
    };
    x_ = add({"X", "patches", "the pixels of the frames", Place::stream}, columns(x), pixel_of);
  }

  /// The index in the video of every element of the patches [T, pt ph pw]: patchify() of the pixels' indices.
  std::vector<int64_t> patch_pixels(int64_t rows, int64_t width) const {
    const int64_t frames = run_.grid.frames * run_.sizes.patch.frames;
    const Tensor numbers = reshape(arange(frames * rows * width, DType::f64), {1, frames, 1, rows, width});
    return models::patchify(numbers, run_.sizes.patch).to_vector<int64_t>();
  }

  void encode() {
    begin(2, "The visual encoder: z = We X + be, then h = max(0, z)");
    trace().note("It is frozen. (The article's \"W transpose\" does not conform; the product is W X + b.)");
    const nn::Linear& layer = run_.autoencoder.encoder();
    const int w = weights("We", "encoder weight", layer.weight), b = weights("be", "encoder bias", column(layer.bias));
    const models::Rectified encoded =
        run_.autoencoder.encode(models::patchify(unsqueeze(run_.video, 0), run_.sizes.patch));
    const int z = add({"z", "before the ReLU", "We X + be", Place::stream}, columns(encoded.z),
                      affine(w, x_, layer.weight.size(1), b));
    latent_ = add({"L", "latent", "max(0, z)", Place::stream}, columns(encoded.h), [=](int64_t r, int64_t c) {
      return Origin{.terms = {{.factors = {{z, r, c}}}}, .finish = Finish::relu};
    });
  }

  /// [3]. `z` is the result of the previous step, and becomes the noised latent of this one.
  void noise(int64_t t, int64_t first, Tensor& z) {
    if (t > first) {
      begin(3, "The denoised latent of step " + std::to_string(t - 1) + " goes on");
      noised_ = add({"Z", "noised latent", "D of the step before", Place::stream}, columns(z), copy_of(denoised_));
      return;
    }
    const double level = noise_level(t, *run_.steps);
    const std::string factor = level == 1 ? "" : number_text(level) + " ";
    begin(3, run_.generate ? "Generation begins with noise alone" : "Sampled noise is added to the latent");
    trace().note("Step t of T begins with T + 1 - t times the noise, here " + number_text(level) +
                 ": the larger t, the smaller the noise, as in the article (DDPM counts the other way round).");
    sampled_ = add({"N", "sampled noise", "", Place::side}, columns(run_.noise));
    if (run_.generate) {
      z = run_.noise * level;
      noised_ = add({"Z", "noised latent", factor + "N", Place::stream}, columns(z),
                    [level, sampled = sampled_](int64_t r, int64_t c) {
                      return Origin{.terms = {{.factors = {{sampled, r, c}}, .coefficient = level}}};
                    });
    } else {
      z = add_noise(latents_of(run_.video, run_), run_.noise, level);
      noised_ =
          add({"Z", "noised latent", "L + " + factor + "N", Place::stream}, columns(z), plus(latent_, sampled_, level));
    }
  }

  /// [4] to [11]: the denoised latent.
  Tensor denoise(int64_t t, const Tensor& z) {
    const Tensor c = unsqueeze(condition_vector(run_.prompt, t, run_.sizes.bits), 0);  // [1, 3 + bits]
    const Stages s = run_.model.stages(z, c);
    const int condition = this->condition(t, c);
    modulation(s, condition);
    attend(s);
    predict(s);
    if (!run_.generate) {
      begin(10, "Training: the predicted noise is compared with the sampled noise");
      const GradientInputs inputs{.noised = noised_,
                                  .sampled = sampled_,
                                  .condition = condition,
                                  .modulated = modulated_,
                                  .wq = wq_,
                                  .wk = wk_,
                                  .q = q_,
                                  .k = k_,
                                  .a = a_,
                                  .pooled = pooled_,
                                  .wf = wf_,
                                  .predicted = predicted_};
      const Losses losses = add_gradients(trace(), run_, inputs, z, c);
      result_.loss = losses.before, result_.loss_after = losses.after;
      trace().mark(losses.difference, stated_by_article("G"));
    }
    begin(11, "Denoising: the predicted noise is taken away");
    if (!run_.generate && !run_.all_steps)
      trace().note(
          "Z still holds the training video's latent here. Generation begins with noise alone instead: "
          "--generate.");
    const Tensor denoised = z - s.predicted;
    denoised_ = add({"D", "denoised latent", "Z - P", Place::stream}, columns(denoised), plus(noised_, predicted_, -1));
    return denoised.detach();
  }

  int condition(int64_t t, const Tensor& c) {
    begin(4, "The condition: the prompt's vector, then the step's binary digits");
    if (prompt_ < 0) {
      const Tensor words = word_vectors(run_.prompt);  // [words, 3]
      const int64_t count = words.size(0);
      const int w = add({"words", "a column for each word", "", Place::side}, transpose(words, 0, 1));
      prompt_ = add({"e", "the prompt's vector", "the sum of the words", Place::side},
                    column(prompt_vector(run_.prompt)), [=](int64_t r, int64_t) {
                      Origin origin;
                      for (int64_t k = 0; k < count; ++k) origin.terms.push_back({.factors = {{w, r, k}}});
                      return origin;
                    });
    }
    trace().note("t = " + std::to_string(t) + " in " + std::to_string(run_.sizes.bits) +
                 " bits, the most significant first.");
    const int digits = add({"tb", "the step's digits", "", Place::side},
                           column(slice(c, 1, prompt_width, prompt_width + run_.sizes.bits)));
    const int prompt = prompt_;
    return add({"c", "condition", "e, then tb", Place::side}, column(c), [=](int64_t r, int64_t) {
      const Cell from = r < prompt_width ? Cell{prompt, r, 0} : Cell{digits, r - prompt_width, 0};
      return Origin{.terms = {{.factors = {from}}}};
    });
  }

  void modulation(const Stages& s, int condition) {
    const nn::Linear& layer = run_.model.ada_ln;
    const int64_t width = run_.sizes.width;
    begin(5, "Adaptive norm: scale and shift are estimated from the condition");
    if (wa_ < 0) {
      wa_ = weights("Wa", "adaptive norm weight", layer.weight);
      ba_ = weights("ba", "adaptive norm bias", column(layer.bias));
    }
    const int y = add({"y", "scale, then shift", "Wa c + ba", Place::side}, column(s.modulation),
                      affine(wa_, condition, layer.weight.size(1), ba_));
    const auto rows_from = [=](int64_t first) {
      return [=](int64_t r, int64_t) { return Origin{.terms = {{.factors = {{y, first + r, 0}}}}}; };
    };
    const int scale = add({"scale", "first half of y", "", Place::side}, column(s.scale), rows_from(0));
    const int shift = add({"shift", "second half of y", "", Place::side}, column(s.shift), rows_from(width));
    mark_printed_shift(y, shift);
    begin(6, "Scale and shift are applied, row by row");
    modulated_ = add({"C", "conditioned latent", "scale * Z + shift", Place::stream}, columns(s.conditioned),
                     [z = noised_, scale, shift](int64_t r, int64_t c) {
                       return Origin{.terms = {{.factors = {{scale, r, 0}, {z, r, c}}}, {.factors = {{shift, r, 0}}}}};
                     });
  }

  void mark_printed_shift(int y, int shift) {
    if (trace().matrix(y).values != std::vector<double>{2, -1, -1, 5}) return;
    trace().mark(y, {{2}, {-1}, {-1}, {5}});
    trace().mark_misprint({y, 2, 0});
    trace().mark(shift, {{-1}, {5}});
    trace().mark_misprint({shift, 0, 0});
    trace().note(
        "MISPRINT: the article prints the shift [-1, 5]; its author's note says that the third element of y "
        "should be 1. A bias of -2 instead of 0 gives the printed number.");
  }

  void attend(const Stages& s) {
    const int64_t width = run_.sizes.width, tokens = run_.grid.tokens();
    begin(7, "Self-attention: which patch looks at which");
    if (wq_ < 0) {
      wq_ = weights("Wq", "query weight", run_.model.query.weight);
      wk_ = weights("Wk", "key weight", run_.model.key.weight);
    }
    q_ = add({"Q", "queries", "Wq C", Place::stream}, columns(s.queries), affine(wq_, modulated_, width));
    k_ = add({"K", "keys", "Wk C", Place::stream}, columns(s.keys), affine(wk_, modulated_, width));
    const int scores =
        add({"S", "scores", "K^T Q", Place::stream}, columns(s.scores), transposed_product(k_, q_, width));
    const bool soft = run_.model.config().attention == Attention::soft;
    const double factor = soft ? 1 / std::sqrt(double(width)) : 1;
    a_ = add({"A", "attention",
              soft ? "softmax of S / sqrt(" + std::to_string(width) + "), a column at a time"
                   : "1 at a column's largest score",
              Place::stream},
             columns(s.attention), [=](int64_t r, int64_t c) {
               Origin origin{.terms = {}, .finish = soft ? Finish::softmax : Finish::largest, .chosen = r};
               for (int64_t k = 0; k < tokens; ++k)
                 origin.terms.push_back({.factors = {{scores, k, c}}, .coefficient = factor});
               return origin;
             });
    begin(8, "Attention pooling: each patch takes what it looks at");
    trace().note("The value projection is omitted, as in the article: the values are the patches themselves.");
    pooled_ = add({"F", "pooled", "C A", Place::stream}, columns(s.pooled), affine(modulated_, a_, tokens));
  }

  void predict(const Stages& s) {
    const nn::Linear& layer = run_.model.feed_forward;
    begin(9, "Point-wise feed-forward: one linear map for every patch predicts the noise");
    if (wf_ < 0) {
      wf_ = weights("Wf", "feed-forward weight", layer.weight);
      bf_ = weights("bf", "feed-forward bias", column(layer.bias));
    }
    predicted_ = add({"P", "predicted noise", "Wf F + bf", Place::stream}, columns(s.predicted),
                     affine(wf_, pooled_, run_.sizes.width, bf_));
  }

  void decode(const Tensor& z) {
    begin(12, "The visual decoder: u = Wd D + bd, then V = max(0, u)");
    const nn::Linear& layer = run_.autoencoder.decoder();
    const int w = weights("Wd", "decoder weight", layer.weight), b = weights("bd", "decoder bias", column(layer.bias));
    const models::Rectified decoded = run_.autoencoder.decode(z);
    const int u = add({"u", "before the ReLU", "Wd D + bd", Place::stream}, columns(decoded.z),
                      affine(w, denoised_, run_.sizes.width, b));
    const int v =
        add({"V", "decoded patches", "max(0, u)", Place::stream}, columns(decoded.h),
            [=](int64_t r, int64_t c) { return Origin{.terms = {{.factors = {{u, r, c}}}}, .finish = Finish::relu}; });
    begin(13, "The patches are arranged into frames: a new video");
    const Tensor video = models::unpatchify(decoded.h, run_.grid, run_.sizes.patch);  // [1, F, 1, H, W]
    result_.video = select(video, 0, 0);
    const int64_t rows = video.size(3), width = video.size(4), volume = run_.sizes.patch.volume();
    std::vector<Cell> cell_of(size_t(video.numel()));
    const auto pixel = patch_pixels(rows, width);
    for (int64_t i = 0; i < int64_t(pixel.size()); ++i) cell_of[size_t(pixel[size_t(i)])] = {v, i % volume, i / volume};
    for (int64_t f = 0; f < video.size(1); ++f)
      add({"new frame " + std::to_string(f + 1), "of the new video", "", Place::stream},
          select(select(result_.video, 0, f), 0, 0), [=](int64_t r, int64_t c) {
            return Origin{.terms = {{.factors = {cell_of[size_t((f * rows + r) * width + c)]}}}};
          });
  }

  const Run& run_;
  Result result_;
  int64_t pass_ = 0;
  std::vector<int> frames_;
  // Numbers of the matrices in the trace; -1 for weights that are not in it yet.
  int x_ = -1, latent_ = -1, sampled_ = -1, noised_ = -1, prompt_ = -1, wa_ = -1, ba_ = -1, modulated_ = -1, wq_ = -1,
      wk_ = -1, q_ = -1, k_ = -1, a_ = -1, pooled_ = -1, wf_ = -1, bf_ = -1, predicted_ = -1, denoised_ = -1;
};

void check_run(const Run& run) {
  check<ConfigError>(run.generate || run.video.defined(),
                     "there is no training video: give one, or generate from noise alone");
  check<ConfigError>(run.steps.has_value(), "there is no step: say which diffusion step t it is");
  check<ConfigError>(*run.steps >= 1, "the step must be at least 1, got ", *run.steps);
  // Throws for a step that does not fit into the bits.
  static_cast<void>(condition_vector(run.prompt, *run.steps, run.sizes.bits));
  if (!run.generate) {
    check<ShapeError>(run.video.rank() == 4 && run.video.size(1) == 1, "the video must have shape [F, 1, H, W], got ",
                      run.video.shape());
    check<ShapeError>(models::patch_grid(unsqueeze(run.video, 0).shape(), run.sizes.patch) == run.grid,
                      "the video of shape ", run.video.shape(), " does not have ", shape_text(run.grid), " patches");
  }
  check_patch_count(run.grid);
  const Shape expected = {1, run.grid.tokens(), run.sizes.width};
  check<ShapeError>(run.noise.defined() && run.noise.shape() == expected, "the noise must have the latent's shape, ",
                    expected, run.noise.defined() ? ", got " + to_text(run.noise.shape()) : "");
}

}  // namespace

void check_patch_count(const models::PatchGrid& grid) {
  constexpr int64_t most = 256;
  check<ConfigError>(grid.tokens() <= most, "the video has ", grid.tokens(), " patches, and the exercise takes at ",
                     "most ", most, ", each of which looks at all of them: take a smaller video or larger patches");
}

Tensor add_noise(const Tensor& latent, const Tensor& noise, double level) {
  check<ShapeError>(latent.shape() == noise.shape(), "[add_noise] the latent has shape ", latent.shape(),
                    " and the noise ", noise.shape(), "; they must be equal");
  return latent + noise * level;
}

Tensor latents_of(const Tensor& video, const Run& run) {
  return run.autoencoder.encode(models::patchify(unsqueeze(video, 0), run.sizes.patch)).h;
}

Result walk(const Run& run) {
  check_run(run);
  return Walk(run)();
}

}  // namespace ditharos::by_hand
