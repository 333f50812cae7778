#pragma once
// Internal to data/codecs/.
// Shared by reading and writing through libjpeg. Included only by jpeg_decode.cpp and jpeg_encode.cpp.
//
// libjpeg reports an error by calling error_exit, which must not return: here it jumps out of libjpeg's frames. A
// longjmp over a C++ object with a destructor is undefined, and so is an exception thrown through C. Hence every
// function that calls setjmp or is called back by libjpeg holds plain values only; objects are owned by their callers,
// and errors are texts in a fixed buffer that the caller throws.
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>

#include <jpeglib.h>

namespace ditharos::data {

/// libjpeg's error manager with what it told. `manager` is first: libjpeg knows only the pointer to it.
struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
  char text[JMSG_LENGTH_MAX];  ///< of the error, or of the first warning of damage
  bool damaged;                ///< a warning told of missing or undecodable data
};

/// Fills in the callbacks and returns the manager for cinfo.err.
jpeg_error_mgr* begin_errors(JpegErrors& errors);

}  // namespace ditharos::data
