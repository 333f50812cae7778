# A toolchain file: builds for arm64 on Debian or Ubuntu of another architecture, and runs what was built by QEMU's user
# emulation. The preset arm64-cross uses it; CONTRIBUTING.md has the packages.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

# Libraries of both architectures lie in /usr/lib, in folders of their own; the compiler itself is in /usr/bin.
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)

find_program(DITHAROS_QEMU NAMES qemu-aarch64-static qemu-aarch64)
mark_as_advanced(DITHAROS_QEMU)
if(DITHAROS_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${DITHAROS_QEMU}")
endif()
