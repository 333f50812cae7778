# The library, in three components that users link separately or together:
#
#   ditharos_core      tensor, autograd, nn, optim, and what of data needs no codec: data sets of tensors, the loaders
#   ditharos_models    models; needs core
#   ditharos_training  the rest of data with its codecs, training, pipelines, and the evaluators of models/, which read data
#                      sets; needs models
#   ditharos           all that are built
#
# tensor/kernels/ is compiled with the kernels' options, *_isa.cpp there once for each instruction set, and
# tensor/kernels/onednn/ is left out where there is no oneDNN. Headers of dependencies are never part of what users of the
# library include.
include(CheckLinkerFlag)

set(DITHAROS_FOLDERS_core tensor autograd nn optim)
set(DITHAROS_FOLDERS_models models)
set(DITHAROS_FOLDERS_training data training pipelines)
# Files that belong to another component than the rest of their folder.
set(DITHAROS_MORE_core "^data/(loading/.*|image/resize|datasets/(data_source|dataset|image_selection|map_dataset|subset|\
tensor_dataset|clips/clip_shape))\\.(cpp|h)$")
set(DITHAROS_MORE_training "^models/evaluation/(image|clip)_evaluator\\.(cpp|h)$")
set(DITHAROS_NEEDS_models core)
set(DITHAROS_NEEDS_training models)

# ditharos_files_of(COMPONENT EXTENSION RESULT): the component's files with that extension, relative to this project.
function(ditharos_files_of component extension result)
  set(files "")
  foreach(owner core models training)
    foreach(folder IN LISTS DITHAROS_FOLDERS_${owner})
      file(GLOB_RECURSE of_folder RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" CONFIGURE_DEPENDS
        "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.${extension}")
      foreach(other core training)
        if(NOT other STREQUAL component)
          list(FILTER of_folder EXCLUDE REGEX "${DITHAROS_MORE_${other}}")
        endif()
      endforeach()
      if(NOT owner STREQUAL component)
        if(NOT DITHAROS_MORE_${component})
          continue()
        endif()
        list(FILTER of_folder INCLUDE REGEX "${DITHAROS_MORE_${component}}")
      endif()
      list(APPEND files ${of_folder})
    endforeach()
  endforeach()
  set(${result} "${files}" PARENT_SCOPE)
endfunction()

# A shared library exports the names of the namespace ditharos, and none of what it was built on.
set(DITHAROS_EXPORTS "-Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/cmake/exports.map")
check_linker_flag(CXX "${DITHAROS_EXPORTS}" DITHAROS_HAS_VERSION_SCRIPTS)

add_library(ditharos INTERFACE)
add_library(ditharos::ditharos ALIAS ditharos)
foreach(component IN LISTS DITHAROS_COMPONENTS)
  ditharos_files_of(${component} cpp sources)
  list(FILTER sources EXCLUDE REGEX "^tensor/kernels/")  # targets of their own, below
  list(TRANSFORM sources PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")

  set(target ditharos_${component})
  add_library(${target} ${sources})
  add_library(ditharos::${component} ALIAS ${target})
  target_link_libraries(ditharos INTERFACE ${target})
  # Before version 1, minor versions break compatibility.
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX EXPORT_NAME ${component}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} INSTALL_RPATH "$ORIGIN")
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${DITHAROS_INCLUDE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:ditharos_options>)
  foreach(needed IN LISTS DITHAROS_NEEDS_${component})
    target_link_libraries(${target} PUBLIC ditharos_${needed})
  endforeach()
  if(BUILD_SHARED_LIBS AND DITHAROS_HAS_VERSION_SCRIPTS)
    target_link_options(${target} PRIVATE "${DITHAROS_EXPORTS}")
    set_target_properties(${target} PROPERTIES LINK_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/cmake/exports.map")
  endif()
endforeach()

# --- core ---
file(GLOB_RECURSE DITHAROS_KERNEL_SOURCES CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/tensor/kernels/*.cpp")
set(DITHAROS_ISA_SOURCES ${DITHAROS_KERNEL_SOURCES})
list(FILTER DITHAROS_ISA_SOURCES INCLUDE REGEX "_isa\\.cpp$")
list(REMOVE_ITEM DITHAROS_KERNEL_SOURCES ${DITHAROS_ISA_SOURCES})
if(NOT DITHAROS_HAS_ONEDNN)
  list(FILTER DITHAROS_KERNEL_SOURCES EXCLUDE REGEX "/tensor/kernels/onednn/")
endif()
add_library(ditharos_kernels OBJECT ${DITHAROS_KERNEL_SOURCES})
target_include_directories(ditharos_kernels PRIVATE "${DITHAROS_INCLUDE_DIR}")
target_link_libraries(ditharos_kernels PRIVATE ditharos_options)
target_compile_options(ditharos_kernels PRIVATE ${DITHAROS_KERNEL_OPTIONS})
target_sources(ditharos_core PRIVATE $<TARGET_OBJECTS:ditharos_kernels>)
# Has functions of the same names as norm.cpp beside it.
set_source_files_properties(tensor/kernels/norm/group_norm.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)

# Random numbers have the same bits on every instruction set.
set_source_files_properties(tensor/kernels/random/random_isa.cpp PROPERTIES COMPILE_OPTIONS -ffp-contract=off)
# What a run's record says about the library.
set_source_files_properties(tensor/system/environment.cpp PROPERTIES COMPILE_DEFINITIONS
  "DITHAROS_VERSION=\"${PROJECT_VERSION}\";DITHAROS_BUILD_TYPE=\"$<CONFIG>\"")
target_link_libraries(ditharos_core PRIVATE $<BUILD_INTERFACE:ditharos_nlohmann_json> LibZip::LibZip)
foreach(target ditharos_core ditharos_kernels)
  target_link_libraries(${target} PRIVATE Threads::Threads)
  if(DITHAROS_HAS_OPENMP)
    target_link_libraries(${target} PRIVATE OpenMP::OpenMP_CXX)
  endif()
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
endforeach()
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
    ${DITHAROS_KERNEL_OPTIONS} ${DITHAROS_ISA_OPTIONS_${isa}})
  target_sources(ditharos_core PRIVATE $<TARGET_OBJECTS:ditharos_kernels_${isa}>)
endforeach()

# --- training ---
if(TARGET ditharos_training)
  target_link_libraries(ditharos_training PRIVATE
    $<BUILD_INTERFACE:ditharos_cereal> $<BUILD_INTERFACE:ditharos_nlohmann_json> $<BUILD_INTERFACE:ditharos_tomlplusplus>
    $<BUILD_INTERFACE:ditharos_protozero>
    Threads::Threads ZLIB::ZLIB PNG::PNG JPEG::JPEG GIF::GIF WebP::webpmux WebP::webpdemux WebP::webp Utf8proc::Utf8proc
    LibArchive::LibArchive)
  if(DITHAROS_HAS_MPI)
    # One file includes MPI's header; the others are compiled as without.
    target_link_libraries(ditharos_training PRIVATE $<LINK_ONLY:MPI::MPI_CXX>)
    set_source_files_properties(training/distributed/mpi_communicator.cpp PROPERTIES
      COMPILE_DEFINITIONS DITHAROS_HAS_MPI=1 INCLUDE_DIRECTORIES "${MPI_CXX_INCLUDE_DIRS}"
      COMPILE_OPTIONS "${MPI_CXX_COMPILE_OPTIONS}")
  endif()
endif()

foreach(component IN LISTS DITHAROS_COMPONENTS)
  ditharos_shorten_compile(ditharos_${component})
endforeach()
ditharos_shorten_compile(ditharos_kernels)
