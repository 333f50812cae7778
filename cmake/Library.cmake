# The library: all sources of its folders. tensor/kernels/ is compiled with the kernels' options, *_isa.cpp there once for
# each instruction set, and tensor/kernels/onednn/ is left out where there is no oneDNN.
set(DITHAROS_SOURCES "")
foreach(folder IN LISTS DITHAROS_LIBRARY_FOLDERS)
  file(GLOB_RECURSE folder_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp")
  list(APPEND DITHAROS_SOURCES ${folder_sources})
endforeach()

set(DITHAROS_ISA_SOURCES ${DITHAROS_SOURCES})
list(FILTER DITHAROS_ISA_SOURCES INCLUDE REGEX "/tensor/kernels/.*_isa\\.cpp$")
if(DITHAROS_ISA_SOURCES)
  list(REMOVE_ITEM DITHAROS_SOURCES ${DITHAROS_ISA_SOURCES})
endif()
if(NOT DITHAROS_HAS_ONEDNN)
  list(FILTER DITHAROS_SOURCES EXCLUDE REGEX "/tensor/kernels/onednn/")
endif()

set(DITHAROS_KERNEL_SOURCES ${DITHAROS_SOURCES})
list(FILTER DITHAROS_KERNEL_SOURCES INCLUDE REGEX "/tensor/kernels/")
list(REMOVE_ITEM DITHAROS_SOURCES ${DITHAROS_KERNEL_SOURCES})

# Random numbers have the same bits on every instruction set.
set_source_files_properties(tensor/kernels/random/random_isa.cpp PROPERTIES COMPILE_OPTIONS -ffp-contract=off)

# What a run's record says about the library.
set_source_files_properties(tensor/system/environment.cpp PROPERTIES COMPILE_DEFINITIONS
  "DITHAROS_VERSION=\"${PROJECT_VERSION}\";DITHAROS_BUILD_TYPE=\"$<CONFIG>\"")

add_library(ditharos STATIC ${DITHAROS_SOURCES})
add_library(ditharos::ditharos ALIAS ditharos)
set_target_properties(ditharos PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(ditharos PUBLIC cxx_std_20)
target_include_directories(ditharos PUBLIC
  $<BUILD_INTERFACE:${DITHAROS_INCLUDE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(ditharos PRIVATE
  $<BUILD_INTERFACE:ditharos_options> $<BUILD_INTERFACE:ditharos_cereal>
  $<BUILD_INTERFACE:ditharos_nlohmann_json> $<BUILD_INTERFACE:ditharos_tomlplusplus>
  $<BUILD_INTERFACE:ditharos_protozero>
  OpenMP::OpenMP_CXX Threads::Threads ZLIB::ZLIB PNG::PNG JPEG::JPEG GIF::GIF WebP::webpmux WebP::webpdemux WebP::webp
  Utf8proc::Utf8proc LibZip::LibZip LibArchive::LibArchive)
if(DITHAROS_HAS_MPI)
  # One file includes MPI's header; the others are compiled as without.
  target_link_libraries(ditharos PRIVATE $<LINK_ONLY:MPI::MPI_CXX>)
  set_source_files_properties(training/distributed/mpi_communicator.cpp PROPERTIES
    COMPILE_DEFINITIONS DITHAROS_HAS_MPI=1 INCLUDE_DIRECTORIES "${MPI_CXX_INCLUDE_DIRS}"
    COMPILE_OPTIONS "${MPI_CXX_COMPILE_OPTIONS}")
endif()

add_library(ditharos_kernels OBJECT ${DITHAROS_KERNEL_SOURCES})
target_include_directories(ditharos_kernels PRIVATE "${DITHAROS_INCLUDE_DIR}")
target_link_libraries(ditharos_kernels PRIVATE ditharos_options OpenMP::OpenMP_CXX Threads::Threads)
target_compile_options(ditharos_kernels PRIVATE ${DITHAROS_KERNEL_OPTIONS})
target_sources(ditharos PRIVATE $<TARGET_OBJECTS:ditharos_kernels>)

# Has functions of the same names as norm.cpp beside it.
set_source_files_properties(tensor/kernels/norm/group_norm.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)

foreach(target ditharos ditharos_kernels)
  if(DITHAROS_HAS_ONEDNN)
    target_link_libraries(${target} PRIVATE DNNL::dnnl)
    target_compile_definitions(${target} PRIVATE DITHAROS_HAS_ONEDNN=1)
  endif()
  if(DITHAROS_HAS_LAPACK)
    target_link_libraries(${target} PRIVATE LAPACKE::LAPACKE)
    target_compile_definitions(${target} PRIVATE DITHAROS_HAS_LAPACK=1)
  endif()
  if("avx512" IN_LIST DITHAROS_ISAS)
    # The dispatcher may refer to the namespaces avx2 and avx512, not to baseline alone.
    target_compile_definitions(${target} PRIVATE DITHAROS_HAS_X86_ISAS=1)
  endif()
  ditharos_shorten_compile(${target})
endforeach()

if(DITHAROS_ISA_SOURCES)
  foreach(isa IN LISTS DITHAROS_ISAS)
    set(isa_sources ${DITHAROS_ISA_SOURCES})
    if(DITHAROS_ISA_ONLY_${isa})
      list(JOIN DITHAROS_ISA_ONLY_${isa} "|" names)
      list(FILTER isa_sources INCLUDE REGEX "/(${names})$")
    endif()
    add_library(ditharos_kernels_${isa} OBJECT ${isa_sources})
    target_include_directories(ditharos_kernels_${isa} PRIVATE "${DITHAROS_INCLUDE_DIR}")
    target_link_libraries(ditharos_kernels_${isa} PRIVATE ditharos_options)
    target_compile_definitions(ditharos_kernels_${isa} PRIVATE DITHAROS_ISA=${isa})
    target_compile_options(ditharos_kernels_${isa} PRIVATE
      ${DITHAROS_KERNEL_OPTIONS} -fopenmp-simd ${DITHAROS_ISA_OPTIONS_${isa}})
    target_sources(ditharos PRIVATE $<TARGET_OBJECTS:ditharos_kernels_${isa}>)
  endforeach()
endif()
