#include <ditharos/tensor/kernels/pointwise/pointwise_isa.h>
#include <ditharos/tensor/kernels/simd/vector_math.h>
#include <ditharos/tensor/kernels/simd/vector_special.h>
#include <ditharos/tensor/kernels/simd/vector_trig.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

// A loop for a function of one element. The function is a lambda without captures, so its type is all that is needed.
template <class T, class F>
UnaryLoop<T> loop1(const char* name, F) {
  return {name, [](int64_t n, const T* x, T* y, T alpha, T beta) {
            const int64_t whole = n / block_of<T> * block_of<T>;
#pragma omp simd
            for (int64_t i = 0; i < whole; ++i) y[i] = F{}(x[i], alpha, beta);
          }};
}

template <class T, class F>
BinaryLoop<T> loop2(const char* name, F) {
  return {name, [](int64_t n, const T* a, const T* b, T* out) {
            const int64_t whole = n / block_of<T> * block_of<T>;
#pragma omp simd
            for (int64_t i = 0; i < whole; ++i) out[i] = F{}(a[i], b[i]);
          }};
}

// The C library's, for want of a vector version; they are called element by element.
inline double sin(double x) { return __builtin_sin(x); }
inline double cos(double x) { return __builtin_cos(x); }
inline float tan(float x) { return __builtin_tanf(x); }
inline double tan(double x) { return __builtin_tan(x); }
inline float asin(float x) { return __builtin_asinf(x); }
inline double asin(double x) { return __builtin_asin(x); }
inline float acos(float x) { return __builtin_acosf(x); }
inline double acos(double x) { return __builtin_acos(x); }
inline float atan(float x) { return __builtin_atanf(x); }
inline double atan(double x) { return __builtin_atan(x); }
inline float sinh(float x) { return __builtin_sinhf(x); }
inline double sinh(double x) { return __builtin_sinh(x); }
inline float cosh(float x) { return __builtin_coshf(x); }
inline double cosh(double x) { return __builtin_cosh(x); }
inline float expm1(float x) { return __builtin_expm1f(x); }
inline double expm1(double x) { return __builtin_expm1(x); }
inline float log1p(float x) { return __builtin_log1pf(x); }
inline double log1p(double x) { return __builtin_log1p(x); }
inline float floor(float x) { return __builtin_floorf(x); }
inline double floor(double x) { return __builtin_floor(x); }
inline float ceil(float x) { return __builtin_ceilf(x); }
inline double ceil(double x) { return __builtin_ceil(x); }
inline float round(float x) { return __builtin_rintf(x); }  // in the default mode: halves to even
inline double round(double x) { return __builtin_rint(x); }
inline float exp2(float x) { return __builtin_exp2f(x); }
inline double exp2(double x) { return __builtin_exp2(x); }
inline float log2(float x) { return __builtin_log2f(x); }
inline double log2(double x) { return __builtin_log2(x); }
inline float log10(float x) { return __builtin_log10f(x); }
inline double log10(double x) { return __builtin_log10(x); }
inline float asinh(float x) { return __builtin_asinhf(x); }
inline double asinh(double x) { return __builtin_asinh(x); }
inline float acosh(float x) { return __builtin_acoshf(x); }
inline double acosh(double x) { return __builtin_acosh(x); }
inline float atanh(float x) { return __builtin_atanhf(x); }
inline double atanh(double x) { return __builtin_atanh(x); }
inline float trunc(float x) { return __builtin_truncf(x); }
inline double trunc(double x) { return __builtin_trunc(x); }
inline float atan2(float y, float x) { return __builtin_atan2f(y, x); }
inline double atan2(double y, double x) { return __builtin_atan2(y, x); }
inline float hypot(float x, float y) { return __builtin_hypotf(x, y); }
inline double hypot(double x, double y) { return __builtin_hypot(x, y); }
inline float fmod(float a, float b) { return __builtin_fmodf(a, b); }
inline double fmod(double a, double b) { return __builtin_fmod(a, b); }
inline float pow(float x, float y) { return __builtin_powf(x, y); }
inline double pow(double x, double y) { return __builtin_pow(x, y); }

/// The larger; NaN if either is.
template <class T>
inline T maximum(T a, T b) {
  return a >= b || a != a ? a : b;
}
template <class T>
inline T minimum(T a, T b) {
  return a <= b || a != a ? a : b;
}
/// fmod with the sign of b.
template <class T>
inline T remainder(T a, T b) {
  const T rest = fmod(a, b);
  return rest != T(0) && (rest < T(0)) != (b < T(0)) ? rest + b : rest;
}
/// The nearest whole number to (a - remainder) / b, which is whole but for rounding; 0 has the sign of a / b.
template <class T>
inline T floor_divide(T a, T b) {
  const T rest = fmod(a, b), quotient = (a - rest) / b;
  const T whole = rest != T(0) && (rest < T(0)) != (b < T(0)) ? quotient - T(1) : quotient;
  const T below = floor(whole), nearest = whole - below > T(.5) ? below + T(1) : below;
  return b == T(0) ? a / b : whole == T(0) ? T(0) * (a / b) : nearest;
}
template <class T>
inline T relu(T x) {
  return x <= T(0) ? T(0) : x;
}
template <class T>
inline T sign(T x) {
  return x > T(0) ? T(1) : (x < T(0) ? T(-1) : x);
}  // NaN and -0 stay

inline Vector<double> load_double(const float* p) { return load_widened(p); }
inline Vector<double> load_double(const double* p) { return load(p); }
inline void store_double(float* p, Vector<double> x) { store_narrowed(p, x); }
inline void store_double(double* p, Vector<double> x) { store(p, x); }

/// x^n by squaring, a block at a time: n is the same for all elements. f32 is multiplied in double. For n + 1/2 a
/// factor sqrt(x); as in C, (-infinity)^(n + 1/2) is that of infinity, and there is no -0.
template <class T>
void whole_power(int64_t n, const T* x, T* y, T exponent, T) {
  constexpr int parts = int(block_of<T>) / lanes<double>;
  const int64_t whole = n / block_of<T> * block_of<T>;
  const uint32_t size = uint32_t(abs(exponent));
  const bool with_root = T(size) != abs(exponent);
  for (int64_t first = 0; first < whole; first += block_of<T>) {
    Vector<double> base[parts], power[parts];
    if (with_root) {
      T positive[block_of<T>];
      double root[block_of<T>];
#pragma omp simd
      for (int64_t i = 0; i < block_of<T>; ++i) {
        positive[i] = x[first + i] == T(-infinity) ? T(infinity) : x[first + i] + T(0);
        root[i] = sqrt(double(positive[i]));
      }
#pragma GCC unroll 8
      for (int i = 0; i < parts; ++i) {
        base[i] = load_double(positive + i * lanes<double>);
        power[i] = load(root + i * lanes<double>);
      }
    } else {
#pragma GCC unroll 8
      for (int i = 0; i < parts; ++i) {
        base[i] = load_double(x + first + i * lanes<double>);
        power[i] = Vector<double>{} + 1.;
      }
    }
    for (uint32_t bits = size; bits != 0; bits >>= 1) {
      if ((bits & 1) != 0) {
#pragma GCC unroll 8
        for (int i = 0; i < parts; ++i) power[i] *= base[i];
      }
#pragma GCC unroll 8
      for (int i = 0; i < parts; ++i) base[i] *= base[i];
    }
    if (exponent < T(0)) {
#pragma GCC unroll 8
      for (int i = 0; i < parts; ++i) power[i] = 1. / power[i];
    }
#pragma GCC unroll 8
    for (int i = 0; i < parts; ++i) store_double(y + first + i * lanes<double>, power[i]);
  }
}

template <class T>
UnaryLoop<T> unary_floating(Unary op) {
  switch (op) {
    case Unary::neg: return loop1<T>("neg", [](T x, T, T) { return -x; });
    case Unary::abs: return loop1<T>("abs", [](T x, T, T) { return abs(x); });
    case Unary::sign: return loop1<T>("sign", [](T x, T, T) { return sign(x); });
    case Unary::square: return loop1<T>("square", [](T x, T, T) { return x * x; });
    case Unary::sqrt: return loop1<T>("sqrt", [](T x, T, T) { return sqrt(x); });
    case Unary::rsqrt: return loop1<T>("rsqrt", [](T x, T, T) { return T(1) / sqrt(x); });
    case Unary::reciprocal: return loop1<T>("reciprocal", [](T x, T, T) { return T(1) / x; });
    case Unary::exp: return loop1<T>("exp", [](T x, T, T) { return exp(x); });
    case Unary::log: return loop1<T>("log", [](T x, T, T) { return log(x); });
    case Unary::sin:
      if constexpr (sizeof(T) == 4) return {"sin", circular_loop<0>};
      else return loop1<T>("sin", [](T x, T, T) { return sin(x); });
    case Unary::cos:
      if constexpr (sizeof(T) == 4) return {"cos", circular_loop<1>};
      else return loop1<T>("cos", [](T x, T, T) { return cos(x); });
    case Unary::expm1: return loop1<T>("expm1", [](T x, T, T) { return expm1(x); });
    case Unary::log1p: return loop1<T>("log1p", [](T x, T, T) { return log1p(x); });
    case Unary::tan: return loop1<T>("tan", [](T x, T, T) { return tan(x); });
    case Unary::asin: return loop1<T>("asin", [](T x, T, T) { return asin(x); });
    case Unary::acos: return loop1<T>("acos", [](T x, T, T) { return acos(x); });
    case Unary::atan: return loop1<T>("atan", [](T x, T, T) { return atan(x); });
    case Unary::sinh: return loop1<T>("sinh", [](T x, T, T) { return sinh(x); });
    case Unary::cosh: return loop1<T>("cosh", [](T x, T, T) { return cosh(x); });
    case Unary::exp2: return loop1<T>("exp2", [](T x, T, T) { return exp2(x); });
    case Unary::log2: return loop1<T>("log2", [](T x, T, T) { return log2(x); });
    case Unary::log10: return loop1<T>("log10", [](T x, T, T) { return log10(x); });
    case Unary::asinh: return loop1<T>("asinh", [](T x, T, T) { return asinh(x); });
    case Unary::acosh: return loop1<T>("acosh", [](T x, T, T) { return acosh(x); });
    case Unary::atanh: return loop1<T>("atanh", [](T x, T, T) { return atanh(x); });
    case Unary::erfc: return loop1<T>("erfc", [](T x, T, T) { return erfc(x); });
    case Unary::erfinv: return loop1<T>("erfinv", [](T x, T, T) { return erfinv(x); });
    case Unary::lgamma: return loop1<T>("lgamma", [](T x, T, T) { return lgamma(x); });
    case Unary::digamma: return loop1<T>("digamma", [](T x, T, T) { return digamma(x); });
    case Unary::polygamma: return {"polygamma", polygamma_loop<T>};
    case Unary::trunc: return loop1<T>("trunc", [](T x, T, T) { return trunc(x); });
    case Unary::floor: return loop1<T>("floor", [](T x, T, T) { return floor(x); });
    case Unary::ceil: return loop1<T>("ceil", [](T x, T, T) { return ceil(x); });
    case Unary::round: return loop1<T>("round", [](T x, T, T) { return round(x); });
    case Unary::leaky_relu: return loop1<T>("leaky_relu", [](T x, T slope, T) { return x > T(0) ? x : slope * x; });
    case Unary::elu: return loop1<T>("elu", [](T x, T alpha, T) { return x > T(0) ? x : alpha * expm1(x); });
    case Unary::tanh: return loop1<T>("tanh", [](T x, T, T) { return tanh(x); });
    case Unary::erf: return loop1<T>("erf", [](T x, T, T) { return erf(x); });
    case Unary::sigmoid: return loop1<T>("sigmoid", [](T x, T, T) { return sigmoid(x); });
    case Unary::relu: return loop1<T>("relu", [](T x, T, T) { return relu(x); });
    case Unary::silu: return loop1<T>("silu", [](T x, T, T) { return silu(x); });
    case Unary::softplus:  // max(x, 0) + ln(1 + e^-|x|): never overflows
      return loop1<T>("softplus", [](T x, T, T) { return relu(x) + log1p_of_positive(exp(-abs(x))); });
    case Unary::gelu: return loop1<T>("gelu", [](T x, T, T) { return gelu(x); });
    case Unary::gelu_tanh: return loop1<T>("gelu_tanh", [](T x, T, T) { return gelu_tanh(x); });
    case Unary::normal_cdf: return loop1<T>("normal_cdf", [](T x, T, T) { return normal_cdf(x); });
    case Unary::add_scalar: return loop1<T>("add_scalar", [](T x, T alpha, T) { return x + alpha; });
    case Unary::mul_scalar: return loop1<T>("mul_scalar", [](T x, T alpha, T) { return x * alpha; });
    case Unary::div_scalar: return loop1<T>("div_scalar", [](T x, T alpha, T) { return x / alpha; });
    case Unary::pow_scalar: return loop1<T>("pow", [](T x, T alpha, T) { return pow(x, alpha); });
    case Unary::pow_whole: return {"pow", whole_power<T>};
    case Unary::clamp:
      return loop1<T>("clamp", [](T x, T low, T high) {
        const T raised = x < low ? low : x;
        return raised > high ? high : raised;
      });
    case Unary::bitwise_not: return {"bitwise_not", nullptr};
  }
  return {"?", nullptr};
}

template <class T>
BinaryLoop<T> binary_floating(Binary op) {
  switch (op) {
    case Binary::add: return loop2<T>("add", [](T a, T b) { return a + b; });
    case Binary::sub: return loop2<T>("sub", [](T a, T b) { return a - b; });
    case Binary::mul: return loop2<T>("mul", [](T a, T b) { return a * b; });
    case Binary::div: return loop2<T>("div", [](T a, T b) { return a / b; });
    case Binary::pow: return loop2<T>("pow", [](T a, T b) { return pow(a, b); });
    case Binary::maximum: return loop2<T>("maximum", [](T a, T b) { return maximum(a, b); });
    case Binary::minimum: return loop2<T>("minimum", [](T a, T b) { return minimum(a, b); });
    case Binary::atan2: return loop2<T>("atan2", [](T y, T x) { return atan2(y, x); });
    case Binary::hypot: return loop2<T>("hypot", [](T a, T b) { return hypot(a, b); });
    case Binary::fmod: return loop2<T>("fmod", [](T a, T b) { return fmod(a, b); });
    case Binary::remainder: return loop2<T>("remainder", [](T a, T b) { return remainder(a, b); });
    case Binary::floor_divide: return loop2<T>("floor_divide", [](T a, T b) { return floor_divide(a, b); });
    case Binary::bitwise_and: return {"bitwise_and", nullptr};
    case Binary::bitwise_or: return {"bitwise_or", nullptr};
    case Binary::bitwise_xor: return {"bitwise_xor", nullptr};
    case Binary::tanh_backward: return loop2<T>("tanh_backward", [](T g, T x) { return g * tanh_derivative(x); });
    case Binary::sigmoid_backward:
      return loop2<T>("sigmoid_backward", [](T g, T x) { return g * sigmoid_derivative(x); });
    case Binary::relu_backward: return loop2<T>("relu_backward", [](T g, T x) { return x <= T(0) ? T(0) : g; });
    case Binary::silu_backward: return loop2<T>("silu_backward", [](T g, T x) { return g * silu_derivative(x); });
    case Binary::gelu_backward: return loop2<T>("gelu_backward", [](T g, T x) { return g * gelu_derivative(x); });
    case Binary::gelu_tanh_backward:
      return loop2<T>("gelu_tanh_backward", [](T g, T x) { return g * gelu_tanh_derivative(x); });
  }
  return {"?", nullptr};
}

// Integers wrap around: their arithmetic is done in the unsigned type of the same width, where that is defined.
template <class T>
struct Wrapping;
template <>
struct Wrapping<int64_t> {
  using type = uint64_t;
};
template <>
struct Wrapping<int32_t> {
  using type = uint32_t;
};
template <>
struct Wrapping<uint8_t> {
  using type = uint32_t;
};

// Division of integers, b other than 0. The smallest number divided by -1 wraps around.
template <class T>
inline bool is_minus_one(T b) {
  return T(-1) < T(0) && b == T(-1);
}
template <class T>
inline T whole_fmod(T a, T b) {
  return b == T(0) || is_minus_one(b) ? T(0) : T(a % b);
}
template <class T>
inline T whole_remainder(T a, T b) {
  const T rest = whole_fmod(a, b);
  return rest != T(0) && (rest < T(0)) != (b < T(0)) ? T(rest + b) : rest;
}
template <class T>
inline T whole_floor_divide(T a, T b) {
  using U = typename Wrapping<T>::type;
  if (b == T(0)) return T(0);
  if (is_minus_one(b)) return T(U(0) - U(a));
  const T quotient = T(a / b), rest = T(a % b);
  return rest != T(0) && (rest < T(0)) != (b < T(0)) ? T(quotient - 1) : quotient;
}

template <class T>
UnaryLoop<T> unary_integer(Unary op) {
  using U = typename Wrapping<T>::type;
  switch (op) {
    case Unary::neg: return loop1<T>("neg", [](T x, T, T) { return T(U(0) - U(x)); });
    case Unary::abs: return loop1<T>("abs", [](T x, T, T) { return x < T(0) ? T(U(0) - U(x)) : x; });
    case Unary::sign: return loop1<T>("sign", [](T x, T, T) { return sign(x); });
    case Unary::square: return loop1<T>("square", [](T x, T, T) { return T(U(x) * U(x)); });
    case Unary::relu: return loop1<T>("relu", [](T x, T, T) { return relu(x); });
    case Unary::add_scalar: return loop1<T>("add_scalar", [](T x, T alpha, T) { return T(U(x) + U(alpha)); });
    case Unary::mul_scalar: return loop1<T>("mul_scalar", [](T x, T alpha, T) { return T(U(x) * U(alpha)); });
    case Unary::clamp:
      return loop1<T>("clamp", [](T x, T low, T high) {
        const T raised = x < low ? low : x;
        return raised > high ? high : raised;
      });
    case Unary::bitwise_not: return loop1<T>("bitwise_not", [](T x, T, T) { return T(~x); });
    default: return {unary_floating<float>(op).name, nullptr};
  }
}

template <class T>
BinaryLoop<T> binary_integer(Binary op) {
  using U = typename Wrapping<T>::type;
  switch (op) {
    case Binary::add: return loop2<T>("add", [](T a, T b) { return T(U(a) + U(b)); });
    case Binary::sub: return loop2<T>("sub", [](T a, T b) { return T(U(a) - U(b)); });
    case Binary::mul: return loop2<T>("mul", [](T a, T b) { return T(U(a) * U(b)); });
    case Binary::maximum: return loop2<T>("maximum", [](T a, T b) { return maximum(a, b); });
    case Binary::minimum: return loop2<T>("minimum", [](T a, T b) { return minimum(a, b); });
    case Binary::fmod: return loop2<T>("fmod", [](T a, T b) { return whole_fmod(a, b); });
    case Binary::remainder: return loop2<T>("remainder", [](T a, T b) { return whole_remainder(a, b); });
    case Binary::floor_divide: return loop2<T>("floor_divide", [](T a, T b) { return whole_floor_divide(a, b); });
    case Binary::bitwise_and: return loop2<T>("bitwise_and", [](T a, T b) { return T(a & b); });
    case Binary::bitwise_or: return loop2<T>("bitwise_or", [](T a, T b) { return T(a | b); });
    case Binary::bitwise_xor: return loop2<T>("bitwise_xor", [](T a, T b) { return T(a ^ b); });
    default: return {binary_floating<float>(op).name, nullptr};
  }
}

}  // namespace
}  // namespace DITHAROS_ISA

const PointwiseKernels& PointwiseKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr PointwiseKernels table = {unary_floating<float>,   unary_floating<double>,  unary_integer<int64_t>,
                                             unary_integer<int32_t>,  unary_integer<uint8_t>,  binary_floating<float>,
                                             binary_floating<double>, binary_integer<int64_t>, binary_integer<int32_t>,
                                             binary_integer<uint8_t>};
  return table;
}

}  // namespace ditharos::kernels
