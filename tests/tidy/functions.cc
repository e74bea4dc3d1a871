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

// A brace that is open, and what it is of.
struct Scope {
  Block block;
  std::string name;    // of a type
  bool local = false;  // within an unnamed namespace, which other files do not see
};

std::string TypeName(const std::string& before) {
  static const std::regex kName(R"(\b(?:class|struct|union)\s+(?:\[\[\w+\]\]\s*)?((?:\w+::)*\w+))");
  std::string name;
  // The last one: what stands before it are a template's parameters.
  for (std::sregex_iterator match(before.begin(), before.end(), kName), end; match != end; ++match)
    name = (*match)[1];
  return name;
}

// "Backbone::Load" of "Result<int> Backbone::Load(int a = f()) const"; empty where no function is
// named, and for operators.
std::string FunctionName(const std::string& declaration) {
  static const std::regex kOther(R"(^\s*(using|typedef|static_assert|friend|static|return)\b)");
  static const std::regex kName(R"(((?:\w+::)*~?\w+)\s*\()");
  std::smatch match;
  if (std::regex_search(declaration, kOther) || !std::regex_search(declaration, match, kName))
    return "";
  const std::string before = match.prefix();
  const std::string name = match[1];
  const bool value = before.find('=') != std::string::npos;  // of a variable: int x = f(1);
  const bool type = name == "void" || name == "bool" || name == "int" || name == "float";
  return value || type || before.find("operator") != std::string::npos ? "" : name;
}

// The name in all types that are open; empty if another file does not see it.
std::string Qualified(const std::string& name, const std::vector<Scope>& open) {
  if (name.empty()) return "";
  std::string types;
  for (const Scope& scope : open) {
    if (scope.local || (scope.block != Block::kNamespace && scope.block != Block::kType)) return "";
    if (scope.block == Block::kType) types += scope.name + "::";
  }
  return types + name;
}

}  // namespace

namespace {

// The code without calls of our macros, which end without a semicolon.
std::string WithoutMacros(const std::string& code) {
  static const std::regex kMacro(R"(\bAUGSTORE_[A-Z_]+\()");
  std::string out;
  size_t end = 0;
  for (std::sregex_iterator match(code.begin(), code.end(), kMacro), last; match != last; ++match) {
    const auto begin = static_cast<size_t>(match->position());
    if (begin < end) continue;  // within another
    out.append(code, end, begin - end);
    end = begin + static_cast<size_t>(match->length());
    for (int depth = 1; end < code.size() && depth > 0; ++end)
      depth += code[end] == '(' ? 1 : code[end] == ')' ? -1 : 0;
  }
  return out.append(code, end);
}

}  // namespace

FunctionNames FindFunctionNames(const std::string& source) {
  static const std::regex kDirective(R"((^|\n)\s*#[^\n]*)");
  static const std::regex kUnnamed(R"(\bnamespace\s*$)");
  const std::string code = WithoutMacros(std::regex_replace(Blank(source), kDirective, "\n"));
  FunctionNames names;
  std::vector<Scope> open;
  std::vector<Block> blocks;
  std::string before;  // since the last ; { or }
  for (const char c : code) {
    if (c == '{') {
      const Block block = Classify(before, blocks);
      if (block == Block::kFunction) names.defined.insert(Qualified(FunctionName(before), open));
      open.push_back({block, block == Block::kType ? TypeName(before) : "",
                      block == Block::kNamespace && std::regex_search(before, kUnnamed)});
      blocks.push_back(block);
    } else if (c == '}' && !open.empty()) {
      open.pop_back();
      blocks.pop_back();
    } else if (c == ';') {
      names.declared.insert(Qualified(FunctionName(before), open));
    }
    if (c == '{' || c == '}' || c == ';')
      before.clear();
    else
      before += c;
  }
  names.declared.erase("");
  names.defined.erase("");
  return names;
}

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
