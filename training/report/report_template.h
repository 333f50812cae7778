#pragma once
// Internal to training/report/.
// The fixed parts of a report's page, in their order: before the title; style and elements, before the data; the
// charts, and the rest of the script. Texts of runs enter the page as text nodes only, never as markup.

namespace ditharos::training {

extern const char* const report_head;
extern const char* const report_body;
extern const char* const report_charts;
extern const char* const report_script;

}  // namespace ditharos::training
