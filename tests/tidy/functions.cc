#include "tests/tidy/functions.h"

#include <regex>

namespace augstore {
namespace {

// The source with comments, strings and characters blanked, so that braces and words in them do not
// count.
std::string Blank(const std::string& source) {
  static const std::regex kNotCode(
      R"re((R"([a-zA-Z_]*)\((?:[^)]|\)(?!\2"))*\)\2")|("(?:[^"\\\n]|\\.)*")|('(?:[^'\\\n]|\\.)+')|(//[^\n]*)|(/\*(?:[^*]|\*(?!/))*\*/))re");
  std::string out;
  size_t end = 0;
  for (std::sregex_iterator match(source.begin(), source.end(), kNotCode), last; match != last;
       ++match) {
    const auto begin = static_cast<size_t>(match->position());
    // A quote between digits is a separator: 60'000.
    out.append(source, end, begin - end);
    for (const char c : match->str()) out += c == '\n' ? '\n' : ' ';
    end = begin + static_cast<size_t>(match->length());
  }
  return out.append(source, end);
}

enum class Block { kNamespace, kType, kFunction, kInner };

Block Classify(const std::string& before, const std::vector<Block>& open) {
  static const std::regex kNamespace(R"(\b(namespace|extern)\b)");
  static const std::regex kType(R"(\b(class|struct|enum|union)\b[^()]*$)");
  if (!open.empty() && (open.back() == Block::kFunction || open.back() == Block::kInner))
    return Block::kInner;
  if (std::regex_search(before, kNamespace)) return Block::kNamespace;
  if (std::regex_search(before, kType)) return Block::kType;
  return before.find(')') != std::string::npos ? Block::kFunction : Block::kInner;
}

}  // namespace

std::vector<FunctionSpan> FindFunctions(const std::string& source) {
  static const std::regex kSeparator(R"((\d)'(\d))");
  const std::string code = Blank(std::regex_replace(source, kSeparator, "$1_$2"));
  std::vector<FunctionSpan> functions;
  std::vector<Block> open;
  std::vector<size_t> first_lines;
  std::string before;  // since the last ; { or }
  size_t line = 1;
  for (const char c : code) {
    if (c == '\n') ++line;
    if (c == '{') {
      open.push_back(Classify(before, open));
      first_lines.push_back(line);
    } else if (c == '}' && !open.empty()) {
      if (open.back() == Block::kFunction)
        functions.push_back({first_lines.back(), line - first_lines.back() + 1});
      open.pop_back();
      first_lines.pop_back();
    }
    if (c == '{' || c == '}' || c == ';')
      before.clear();
    else
      before += c;
  }
  return functions;
}

}  // namespace augstore
