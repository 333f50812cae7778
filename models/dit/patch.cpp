#include <ditharos/models/dit/patch.h>

#include <cmath>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/init.h>
#include <ditharos/tensor/checked.h>

namespace ditharos::models {

Tensor patchify(const Tensor& pictures, int64_t patch) {
  check<ShapeError>(pictures.rank() == 4, "[patchify] pictures must have shape [B, C, H, W], got ", pictures.shape());
  const int64_t batch = pictures.size(0), channels = pictures.size(1);
  const int64_t height = pictures.size(2), width = pictures.size(3);
  check<ShapeError>(patch >= 1 && height % patch == 0 && width % patch == 0, "[patchify] patches of side ", patch,
                    " do not divide pictures of shape ", pictures.shape());
  const int64_t rows = height / patch, columns = width / patch;
  const Tensor cells = reshape(pictures, {batch, channels, rows, patch, columns, patch});
  return reshape(permute(cells, {0, 2, 4, 1, 3, 5}), {batch, rows * columns, channels * patch * patch});
}

Tensor unpatchify(const Tensor& tokens, int64_t rows, int64_t columns, int64_t patch) {
  check<ShapeError>(tokens.rank() == 3, "[unpatchify] tokens must have shape [B, T, p p C], got ", tokens.shape());
  check<ShapeError>(patch >= 1 && tokens.size(1) == checked_product("unpatchify", {rows, columns}) &&
                        tokens.size(2) % checked_product("unpatchify", {patch, patch}) == 0,
                    "[unpatchify] tokens of shape ", tokens.shape(), " do not fill ", rows, " x ", columns,
                    " patches of side ", patch);
  const int64_t batch = tokens.size(0), channels = tokens.size(2) / (patch * patch);
  const Tensor cells = reshape(tokens, {batch, rows, columns, patch, patch, channels});
  return reshape(permute(cells, {0, 5, 1, 3, 2, 4}), {batch, channels, rows * patch, columns * patch});
}

Tensor position_table(int64_t rows, int64_t columns, int64_t width) {
  check<ConfigError>(width >= 4 && width % 4 == 0, "[position_table] the width must be divisible by 4, got ", width);
  static_cast<void>(numel({rows, columns, width}));  // ShapeError for a table that no memory holds
  const int64_t frequencies = width / 4;
  std::vector<float> table(static_cast<size_t>(rows * columns * width));
  float* out = table.data();
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      for (const int64_t position : {column, row}) {
        for (int64_t i = 0; i < frequencies; ++i) {
          const double angle = double(position) * std::pow(10000.0, -double(i) / double(frequencies));
          out[i] = static_cast<float>(std::sin(angle));
          out[frequencies + i] = static_cast<float>(std::cos(angle));
        }
        out += 2 * frequencies;
      }
    }
  }
  return from_vector(table, {1, rows * columns, width});
}

PatchEmbed::PatchEmbed(int64_t channels, int64_t patch, int64_t width, Generator& rng)
    : weight_(nn::init::xavier_uniform({width, channels, patch, patch}, rng)),
      bias_(zeros({width})) {}

Tensor PatchEmbed::forward(const Tensor& pictures) const {
  const Tensor matrix = reshape(weight_, {weight_.size(0), -1});  // [D, C p p]
  return linear(patchify(pictures, weight_.size(2)), matrix, bias_);
}

void PatchEmbed::visit(nn::Visitor& v) {
  v("proj.weight", weight_);
  v("proj.bias", bias_);
}

}  // namespace ditharos::models
