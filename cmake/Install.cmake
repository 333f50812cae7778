# Headers, library and a package configuration, so that find_package(ditharos) works in other projects. No installed
# header includes oneDNN's.
include(CMakePackageConfigHelpers)
set(DITHAROS_CONFIG_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/ditharos")

install(TARGETS ditharos EXPORT ditharosTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES include/ditharos/ditharos.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/ditharos")
install(DIRECTORY ${DITHAROS_LIBRARY_FOLDERS} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/ditharos"
  FILES_MATCHING PATTERN "*.h" PATTERN "kernels/onednn" EXCLUDE)
install(EXPORT ditharosTargets NAMESPACE ditharos:: DESTINATION "${DITHAROS_CONFIG_DIR}")

configure_package_config_file(cmake/ditharosConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/ditharosConfig.cmake"
  INSTALL_DESTINATION "${DITHAROS_CONFIG_DIR}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/ditharosConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/ditharosConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/ditharosConfigVersion.cmake"
  cmake/FindDNNL.cmake cmake/FindLAPACKE.cmake cmake/FindLibZip.cmake cmake/FindUtf8proc.cmake cmake/FindWebP.cmake DESTINATION "${DITHAROS_CONFIG_DIR}")
