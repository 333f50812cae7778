#pragma once
// Internal to tensor/kernels/linalg/.
// LAPACK's routines for float and double, on matrices in row-major order. Each returns LAPACK's info: 0, or what
// failed.
#ifdef DITHAROS_HAS_LAPACK
#include <complex>
#define lapack_complex_float std::complex<float>
#define lapack_complex_double std::complex<double>
#include <lapacke.h>
#endif

#include <ditharos/tensor/error.h>

namespace ditharos::kernels::lapack {

#ifdef DITHAROS_HAS_LAPACK
using Integer = lapack_int;
inline constexpr bool available = true;
inline constexpr int order = LAPACK_ROW_MAJOR;

inline int gesv(Integer n, Integer k, float* a, Integer* pivots, float* b) {
  return LAPACKE_sgesv(order, n, k, a, n, pivots, b, k);
}
inline int gesv(Integer n, Integer k, double* a, Integer* pivots, double* b) {
  return LAPACKE_dgesv(order, n, k, a, n, pivots, b, k);
}
inline int getrf(Integer n, float* a, Integer* pivots) { return LAPACKE_sgetrf(order, n, n, a, n, pivots); }
inline int getrf(Integer n, double* a, Integer* pivots) { return LAPACKE_dgetrf(order, n, n, a, n, pivots); }
inline int potrf(Integer n, float* a) { return LAPACKE_spotrf(order, 'L', n, a, n); }
inline int potrf(Integer n, double* a) { return LAPACKE_dpotrf(order, 'L', n, a, n); }
inline int trtrs(char uplo, char diag, Integer n, Integer k, const float* a, float* b) {
  return LAPACKE_strtrs(order, uplo, 'N', diag, n, k, a, n, b, k);
}
inline int trtrs(char uplo, char diag, Integer n, Integer k, const double* a, double* b) {
  return LAPACKE_dtrtrs(order, uplo, 'N', diag, n, k, a, n, b, k);
}
inline int geqrf(Integer m, Integer n, float* a, float* tau) { return LAPACKE_sgeqrf(order, m, n, a, n, tau); }
inline int geqrf(Integer m, Integer n, double* a, double* tau) { return LAPACKE_dgeqrf(order, m, n, a, n, tau); }
inline int orgqr(Integer m, Integer n, float* a, const float* tau) { return LAPACKE_sorgqr(order, m, n, n, a, n, tau); }
inline int orgqr(Integer m, Integer n, double* a, const double* tau) {
  return LAPACKE_dorgqr(order, m, n, n, a, n, tau);
}
inline int gesdd(Integer m, Integer n, float* a, float* s, float* u, float* vh) {
  const Integer k = m < n ? m : n;
  return LAPACKE_sgesdd(order, 'S', m, n, a, n, s, u, k, vh, n);
}
inline int gesdd(Integer m, Integer n, double* a, double* s, double* u, double* vh) {
  const Integer k = m < n ? m : n;
  return LAPACKE_dgesdd(order, 'S', m, n, a, n, s, u, k, vh, n);
}
inline int syevd(Integer n, float* a, float* w) { return LAPACKE_ssyevd(order, 'V', 'L', n, a, n, w); }
inline int syevd(Integer n, double* a, double* w) { return LAPACKE_dsyevd(order, 'V', 'L', n, a, n, w); }
#else
using Integer = int;
inline constexpr bool available = false;

// Never called: every operation checks `available` first.
template <class T>
int gesv(Integer, Integer, T*, Integer*, T*) {
  return 1;
}
template <class T>
int getrf(Integer, T*, Integer*) {
  return 1;
}
template <class T>
int potrf(Integer, T*) {
  return 1;
}
template <class T>
int trtrs(char, char, Integer, Integer, const T*, T*) {
  return 1;
}
template <class T>
int geqrf(Integer, Integer, T*, T*) {
  return 1;
}
template <class T>
int orgqr(Integer, Integer, T*, const T*) {
  return 1;
}
template <class T>
int gesdd(Integer, Integer, T*, T*, T*, T*) {
  return 1;
}
template <class T>
int syevd(Integer, T*, T*) {
  return 1;
}
#endif

}  // namespace ditharos::kernels::lapack
