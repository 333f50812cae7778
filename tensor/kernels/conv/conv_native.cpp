// Convolution as a matrix product: the windows of an image become the columns of a matrix (im2col; Chellapilla et al.
// 2006), strip by strip, so that the matrix stays small.
#include <ditharos/tensor/kernels/conv/conv_native.h>

#include <algorithm>

#include <ditharos/tensor/kernels/conv/conv_pieces.h>
#include <ditharos/tensor/kernels/gemm/gemm.h>
#include <ditharos/tensor/kernels/workspace.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/storage.h>

namespace ditharos::kernels {
namespace {

/// Some lines of output positions (a line is a row of an image) of one image and group.
struct Strip {
  int64_t first, lines;
};

constexpr int64_t strip_elements = 1 << 17;  // of the matrix of windows

int64_t strip_lines(const ConvGeometry& g) { return std::max<int64_t>(1, strip_elements / (g.terms() * g.out[2])); }
int64_t line_count(const ConvGeometry& g) { return g.out[0] * g.out[1]; }

/// The matrix [terms, lines * width] of a strip, described line by line: calls body(to, from, first, last) where matrix
/// elements `to + i` for i in [first, last) stand for image elements from + i * stride, and the line's others for
/// padding.
template <class Body>
void for_each_line(const ConvGeometry& g, const Strip& strip, const Body& body) {
  const auto [in_d, in_h, in_w] = g.in;
  const int64_t width = g.out[2], positions = strip.lines * width;
  int64_t row = 0;
  for (int64_t c = 0; c < g.in_channels / g.groups; ++c)
    for (int64_t kd = 0; kd < g.kernel[0]; ++kd)
      for (int64_t kh = 0; kh < g.kernel[1]; ++kh)
        for (int64_t kw = 0; kw < g.kernel[2]; ++kw, ++row) {
          const int64_t left = kw * g.dilation[2] - g.padding[2], step = g.stride[2];
          // Output columns whose element left + i * step lies in [0, in_w).
          const int64_t inner_first = left < 0 ? std::min(width, (-left + step - 1) / step) : 0;
          const int64_t inner_last = left >= in_w ? 0 : std::min(width, (in_w - 1 - left) / step + 1);
          for (int64_t i = 0; i < strip.lines; ++i) {
            const int64_t line = strip.first + i;
            const int64_t d = line / g.out[1] * g.stride[0] + kd * g.dilation[0] - g.padding[0];
            const int64_t h = line % g.out[1] * g.stride[1] + kh * g.dilation[1] - g.padding[1];
            const bool inside = d >= 0 && d < in_d && h >= 0 && h < in_h && inner_first < inner_last;
            body(row * positions + i * width, ((c * in_d + d) * in_h + h) * in_w + left, inside ? inner_first : 0,
                 inside ? inner_last : 0);
          }
        }
}

template <class T>
void gather_windows(const ConvGeometry& g, const Strip& strip, const T* image, T* matrix) {
  for_each_line(g, strip, [&](int64_t to, int64_t from, int64_t first, int64_t last) {
    T* line = matrix + to;
    std::fill(line, line + first, T(0));
    for (int64_t i = first; i < last; ++i) line[i] = image[from + i * g.stride[2]];
    std::fill(line + last, line + g.out[2], T(0));
  });
}

template <class T>
void add_windows(const ConvGeometry& g, const Strip& strip, const T* matrix, T* image) {
  for_each_line(g, strip, [&](int64_t to, int64_t from, int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) image[from + i * g.stride[2]] += matrix[to + i];
  });
}

/// Pointers to one group of one image.
template <class T>
struct GroupPointers {
  const ConvGeometry& g;
  int64_t image, group;

  template <class P>
  P* in(P* x) const {
    return x + image * g.in_image() + group * (g.in_channels / g.groups) * product(g.in);
  }
  template <class P>
  P* out(P* y) const {
    return y + image * g.out_image() + group * (g.out_channels / g.groups) * product(g.out);
  }
  template <class P>
  P* weight(P* w) const {
    return w + group * (g.out_channels / g.groups) * g.terms();
  }
};

/// A thread's memory for its matrix.
template <class T>
T* matrix_scratch(const ConvGeometry& g) {
  static thread_local Workspace scratch;
  return scratch.get<T>(g.terms() * std::min(strip_lines(g), line_count(g)) * g.out[2]);
}

/// Calls body(strip) for the strips of an image.
template <class Body>
void for_each_strip(const ConvGeometry& g, const Body& body) {
  const int64_t lines = line_count(g), most = strip_lines(g);
  for (int64_t first = 0; first < lines; first += most) body(Strip{first, std::min(most, lines - first)});
}

}  // namespace

template <class T>
void conv_native(const ConvGeometry& g, const T* x, const T* weight, const T* bias, T* y) {
  const int64_t rows = g.out_channels / g.groups, positions = product(g.out);
  parallel_tasks(g.batch * g.groups, [&](int64_t task) {
    const GroupPointers<T> at{g, task / g.groups, task % g.groups};
    T* matrix = matrix_scratch<T>(g);
    for_each_strip(g, [&](const Strip& strip) {
      gather_windows(g, strip, at.in(x), matrix);
      Gemm<T> step;  // y = weight matrix
      step.m = rows, step.n = strip.lines * g.out[2], step.k = g.terms();
      step.a = at.weight(weight), step.lda = g.terms();
      step.b = matrix, step.ldb = step.n;
      step.c = at.out(y) + strip.first * g.out[2], step.ldc = positions;
      gemm_native(step);
    });
    if (!bias) return;
    for (int64_t o = 0; o < rows; ++o) {
      T* channel = at.out(y) + o * positions;
      const T value = bias[at.group * rows + o];
      for (int64_t i = 0; i < positions; ++i) channel[i] += value;
    }
  });
}

template <class T>
void conv_input_gradient_native(const ConvGeometry& g, const T* grad, const T* weight, T* dx) {
  const int64_t rows = g.out_channels / g.groups, positions = product(g.out);
  parallel_tasks(g.batch * g.groups, [&](int64_t task) {
    const GroupPointers<T> at{g, task / g.groups, task % g.groups};
    T* matrix = matrix_scratch<T>(g);
    std::fill_n(at.in(dx), g.in_image() / g.groups, T(0));
    for_each_strip(g, [&](const Strip& strip) {
      Gemm<T> step;  // matrix = weight^T dy
      step.m = g.terms(), step.n = strip.lines * g.out[2], step.k = rows;
      step.a = at.weight(weight), step.lda = g.terms(), step.transpose_a = true;
      step.b = at.out(grad) + strip.first * g.out[2], step.ldb = positions;
      step.c = matrix, step.ldc = step.n;
      gemm_native(step);
      add_windows(g, strip, matrix, at.in(dx));
    });
  });
}

template <class T>
void conv_weight_gradient_native(const ConvGeometry& g, const T* grad, const T* x, T* dweight) {
  const int64_t rows = g.out_channels / g.groups, positions = product(g.out), size = g.out_channels * g.terms();
  // Images in at most eight parts, whose sums are added in order. The sum of the first part is computed in the result.
  const int64_t images = (g.batch + 7) / 8, parts = (g.batch + images - 1) / images;
  Storage later(sizeof(T) * static_cast<size_t>((parts - 1) * size));
  T* partial = static_cast<T*>(later.data());
  parallel_tasks(parts * g.groups, [&](int64_t task) {
    const int64_t part = task / g.groups, group = task % g.groups, first = part * images;
    T* sum = part == 0 ? dweight : partial + (part - 1) * size;
    T* matrix = matrix_scratch<T>(g);
    bool started = false;
    for (int64_t b = first; b < std::min(first + images, g.batch); ++b) {
      const GroupPointers<T> at{g, b, group};
      for_each_strip(g, [&](const Strip& strip) {
        gather_windows(g, strip, at.in(x), matrix);
        Gemm<T> step;  // dweight += dy matrix^T
        step.m = rows, step.n = g.terms(), step.k = strip.lines * g.out[2];
        step.a = at.out(grad) + strip.first * g.out[2], step.lda = positions;
        step.b = matrix, step.ldb = step.k, step.transpose_b = true;
        step.c = at.weight(sum), step.ldc = g.terms();
        step.accumulate = started;
        gemm_native(step);
        started = true;
      });
    }
  });
  add_parts(size, parts - 1, partial, dweight);
}

template void conv_native(const ConvGeometry&, const float*, const float*, const float*, float*);
template void conv_native(const ConvGeometry&, const double*, const double*, const double*, double*);
template void conv_input_gradient_native(const ConvGeometry&, const float*, const float*, float*);
template void conv_input_gradient_native(const ConvGeometry&, const double*, const double*, double*);
template void conv_weight_gradient_native(const ConvGeometry&, const float*, const float*, float*);
template void conv_weight_gradient_native(const ConvGeometry&, const double*, const double*, double*);

}  // namespace ditharos::kernels
