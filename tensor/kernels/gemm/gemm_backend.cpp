#include <ditharos/tensor/kernels/gemm/gemm_backend.h>

#include <ditharos/tensor/kernels/onednn/gemm.h>
#include <ditharos/tensor/kernels/onednn/version.h>

namespace ditharos::kernels {

#ifdef DITHAROS_HAS_ONEDNN
const char* gemm_backend() { return onednn::version(); }
bool gemm_by_library_threads(const Gemm<float>& g, int threads) { return onednn::gemm_on_threads(g, threads); }
#else
const char* gemm_backend() { return "native"; }
bool gemm_by_library_threads(const Gemm<float>&, int) { return false; }
#endif

}  // namespace ditharos::kernels
