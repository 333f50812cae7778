#include <ditharos/data/codecs/jpeg_calls.h>

#include <jerror.h>

#include <cstring>

namespace ditharos::data {
namespace {

JpegErrors& errors_of(j_common_ptr info) { return *reinterpret_cast<JpegErrors*>(info->err); }

void on_jpeg_error(j_common_ptr info) {
  JpegErrors& errors = errors_of(info);
  (*info->err->format_message)(info, errors.text);
  std::longjmp(errors.jump, 1);
}

/// Warnings of files that are whole, though some encoder wrote them carelessly.
bool is_harmless(int code) {
  return code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR ||
         code == JWRN_NOT_SEQUENTIAL || code == JWRN_TOO_MUCH_DATA || code == JWRN_BOGUS_ICC;
}

/// Level -1 is a warning; the others trace.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  ++info->err->num_warnings;
  JpegErrors& errors = errors_of(info);
  if (errors.damaged || is_harmless(info->err->msg_code)) return;
  errors.damaged = true;
  (*info->err->format_message)(info, errors.text);
}

void print_nothing(j_common_ptr) {}

}  // namespace

jpeg_error_mgr* begin_errors(JpegErrors& errors) {
  std::memset(&errors, 0, sizeof errors);
  jpeg_std_error(&errors.manager);
  errors.manager.error_exit = on_jpeg_error;
  errors.manager.emit_message = on_message;
  errors.manager.output_message = print_nothing;
  return &errors.manager;
}

}  // namespace ditharos::data
