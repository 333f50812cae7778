#include <ditharos/data/image/image_grid.h>

#include <algorithm>
#include <cstring>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/image/font.h>

namespace ditharos::data {
namespace {

constexpr uint8_t paper = 255, ink = 0;

/// The layout, in pixels of the finished grid.
struct Layout {
  int64_t count, channels, height, width;  // of the images
  int64_t columns, rows;
  int64_t scale, padding;
  int64_t text_scale;           // pixels of the grid for one pixel of a letter
  int64_t row_height;           // of the images, or of the label beside them when that is taller
  int64_t left = 0, above = 0;  // kept free for labels: left of all rows, above each row

  Layout(const Tensor& images, const GridOptions& options)
      : count(images.size(0)), channels(images.size(1)), height(images.size(2)), width(images.size(3)),
        columns(options.columns), scale(options.scale), padding(options.padding * options.scale),
        text_scale(std::max<int64_t>(1, options.scale / 2)), row_height(height * scale) {
    while (options.columns == 0 && columns * columns < count) ++columns;
    columns = std::min(columns, count);
    rows = (count + columns - 1) / columns;
    if (options.row_labels.empty()) return;
    int64_t widest = 0;
    for (const auto& label : options.row_labels) widest = std::max(widest, text_width(label));
    if (options.label_place == GridOptions::LabelPlace::left) {
      left = (widest + 4) * text_scale;
      row_height = std::max(row_height, text_height * text_scale);
    } else {
      above = (text_height + 1) * text_scale;
    }
  }

  int64_t row_pitch() const { return above + row_height + padding; }
  int64_t column_pitch() const { return width * scale + padding; }
  /// A label above may be longer than its row of images; the grid grows with it.
  int64_t grid_width(const GridOptions& options) const {
    int64_t needed = left + padding + columns * column_pitch();
    if (above > 0) {
      for (const auto& label : options.row_labels)
        needed = std::max(needed, 2 * padding + text_width(label) * text_scale);
    }
    return needed;
  }
  int64_t grid_height() const { return padding + rows * row_pitch(); }
};

void validate(const Tensor& images, const GridOptions& options) {
  check<Error>(images.defined(), "[make_grid] the images are an undefined tensor");
  check<DTypeError>(images.dtype() == DType::f32, "[make_grid] takes f32, got ", images.dtype());
  const Shape& shape = images.shape();
  check<ShapeError>(shape.rank() == 4 && (shape[1] == 1 || shape[1] == 3) && images.numel() > 0,
                    "[make_grid] takes at least one image as [N, 1 or 3, H, W], got ", shape);
  constexpr int64_t most = 1024;
  check<ConfigError>(options.columns >= 0, "[make_grid] columns must not be negative, got ", options.columns);
  check<ConfigError>(options.padding >= 0 && options.padding <= most, "[make_grid] padding must be 0..", most, ", got ",
                     options.padding);
  check<ConfigError>(options.scale >= 1 && options.scale <= most, "[make_grid] scale must be 1..", most, ", got ",
                     options.scale);
  check<ShapeError>(shape[2] <= max_png_side && shape[3] <= max_png_side && shape[0] <= max_png_pixels,
                    "[make_grid] images ", shape, " are too large for a grid");
  const auto labels = static_cast<int64_t>(options.row_labels.size());
  const Layout layout(images, options);
  check<ConfigError>(labels <= layout.rows, "[make_grid] got ", labels, " row labels for ", layout.rows, " rows");
  const int64_t w = layout.grid_width(options), h = layout.grid_height();
  check<ShapeError>(w <= max_png_side && h <= max_png_side && w * h <= max_png_pixels, "[make_grid] the grid would be ",
                    w, " x ", h,
                    " pixels, more than a PNG of this library holds; take fewer images, columns or a smaller scale");
}

/// The finished grid, all planes of the same size.
struct Canvas {
  Tensor grid;  // u8 [C, H, W]
  uint8_t* pixels;
  int64_t channels, height, width;

  Canvas(int64_t c, int64_t h, int64_t w) : grid({c, h, w}, DType::u8), channels(c), height(h), width(w) {
    pixels = grid.mutable_data<uint8_t>();
    std::memset(pixels, paper, static_cast<size_t>(grid.numel()));
  }
  /// A square of one value in one plane.
  void fill_square(int64_t channel, int64_t top, int64_t left, int64_t side, uint8_t value) {
    for (int64_t y = top; y < top + side; ++y) {
      std::memset(pixels + (channel * height + y) * width + left, value, static_cast<size_t>(side));
    }
  }
};

void draw_text(Canvas& canvas, const std::string& text, int64_t top, int64_t left, int64_t scale) {
  for (const char letter : drawn_letters(text)) {
    for (int64_t row = 0; row < text_height; ++row) {
      for (int64_t column = 0; column < glyph_width; ++column) {
        if (!glyph_pixel(letter, row, column)) continue;
        for (int64_t c = 0; c < canvas.channels; ++c) {
          canvas.fill_square(c, top + row * scale, left + column * scale, scale, ink);
        }
      }
    }
    left += glyph_advance * scale;
  }
}

/// image [C, H, W]
void draw_image(Canvas& canvas, const uint8_t* image, const Layout& layout, int64_t top, int64_t left) {
  for (int64_t c = 0; c < layout.channels; ++c) {
    for (int64_t y = 0; y < layout.height; ++y) {
      for (int64_t x = 0; x < layout.width; ++x) {
        canvas.fill_square(c, top + y * layout.scale, left + x * layout.scale, layout.scale, *image++);
      }
    }
  }
}

}  // namespace

Tensor make_grid(const Tensor& images, const GridOptions& options) {
  validate(images, options);
  const Layout layout(images, options);
  const Tensor bytes = to_bytes(images);  // [N, C, H, W]
  const uint8_t* image = bytes.data<uint8_t>();
  Canvas canvas(layout.channels, layout.grid_height(), layout.grid_width(options));
  for (int64_t i = 0; i < layout.count; ++i) {
    const int64_t top = layout.padding + i / layout.columns * layout.row_pitch() + layout.above;
    const int64_t left = layout.padding + layout.left + i % layout.columns * layout.column_pitch();
    draw_image(canvas, image + i * layout.channels * layout.height * layout.width, layout, top, left);
  }
  for (size_t row = 0; row < options.row_labels.size(); ++row) {
    int64_t top = layout.padding + static_cast<int64_t>(row) * layout.row_pitch();
    // Beside a row: vertically centred, descenders inside; right-aligned at the images.
    if (layout.above == 0) {
      top += std::min((layout.row_height - glyph_height * layout.text_scale) / 2,
                      layout.row_height - text_height * layout.text_scale);
    }
    const int64_t width = text_width(options.row_labels[row]) * layout.text_scale;
    const int64_t left =
        layout.above > 0 ? layout.padding : layout.padding + layout.left - 2 * layout.text_scale - width;
    draw_text(canvas, options.row_labels[row], top, left, layout.text_scale);
  }
  return canvas.grid;
}

void save_grid(const std::string& path, const Tensor& images, const GridOptions& options) {
  write_png(path, make_grid(images, options));
}

}  // namespace ditharos::data
