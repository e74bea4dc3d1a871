// A comparison as one HTML page, without scripts, that fetches nothing.
#ifndef AUGSTORE_TOOLS_COMPARE_REPORT_HTML_H_
#define AUGSTORE_TOOLS_COMPARE_REPORT_HTML_H_

#include <string>

#include "tools/compare/compare.h"

namespace augstore {

std::string CompareHtml(const CompareResult& result);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_REPORT_HTML_H_
