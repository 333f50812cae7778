# ditharos_options: what every target of ours is compiled with. Never part of what users of the library inherit.
add_library(ditharos_options INTERFACE)
target_compile_options(ditharos_options INTERFACE -Wall -Wextra $<$<BOOL:${DITHAROS_WARNINGS_AS_ERRORS}>:-Werror>)
# GCC looks for memory to free only above this number of kilobytes: 5 % less compile time, a fifth more memory.
target_compile_options(ditharos_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=1000000>)
target_compile_features(ditharos_options INTERFACE cxx_std_20)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(DITHAROS_SANITIZE)
  target_compile_options(ditharos_options INTERFACE
    -fsanitize=${DITHAROS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ditharos_options INTERFACE -fsanitize=${DITHAROS_SANITIZE})
endif()

# Outside of kernels each operation rounds, on every CPU: GCC and Clang contract a * b + c by default, in C++'s ISO mode too,
# wherever the target has fused multiply-adds, as arm64 does. Options of the directory come before those of targets, so that
# what kernels add is the last.
add_compile_options(-ffp-contract=off)

# What the kernels add. -O3 vectorises loops; without errno and floating-point traps sqrt and select vectorise too. Neither
# changes a result. Contraction makes a * b + c one fused instruction, which rounds once. -ffast-math is never used: it
# assumes away NaN and infinity, which the library checks for.
set(DITHAROS_KERNEL_OPTIONS $<$<NOT:$<CONFIG:Debug>>:-O3> -fno-math-errno -fno-trapping-math -ffp-contract=fast)

# The pragmas for vectors hold without OpenMP's threads too.
list(APPEND DITHAROS_KERNEL_OPTIONS -fopenmp-simd)
# Clang warns of each such loop that it does not vectorise, among them loops that call a function of libm.
list(APPEND DITHAROS_KERNEL_OPTIONS $<$<CXX_COMPILER_ID:Clang>:-Wno-pass-failed>)

# The instruction sets for which tensor/kernels/**/*_isa.cpp are compiled; the widest one that the CPU has is chosen at run time.
set(DITHAROS_ISAS baseline)
set(DITHAROS_ISA_OPTIONS_baseline "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8)
  list(APPEND DITHAROS_ISAS avx2 avx512)
  set(DITHAROS_ISA_OPTIONS_avx2 -mavx2 -mfma -mf16c -mbmi -mbmi2)
  set(DITHAROS_ISA_OPTIONS_avx512 ${DITHAROS_ISA_OPTIONS_avx2}
    -mavx512f -mavx512vl -mavx512bw -mavx512dq -mprefer-vector-width=512)
  # Products of bfloat16, in the sources that have kernels for them.
  list(APPEND DITHAROS_ISAS avx512_bf16)
  set(DITHAROS_ISA_OPTIONS_avx512_bf16 ${DITHAROS_ISA_OPTIONS_avx512} -mavx512bf16)
  set(DITHAROS_ISA_ONLY_avx512_bf16 attention_isa.cpp)
endif()
