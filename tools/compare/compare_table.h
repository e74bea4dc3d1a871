// A comparison as text and as JSON.
#ifndef AUGSTORE_TOOLS_COMPARE_COMPARE_TABLE_H_
#define AUGSTORE_TOOLS_COMPARE_COMPARE_TABLE_H_

#include <string>

#include "tools/compare/compare.h"

namespace augstore {

std::string CompareText(const CompareResult& result);
Json CompareJson(const CompareResult& result);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_COMPARE_TABLE_H_
