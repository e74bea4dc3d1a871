// The rules of the house that a compiler does not check: which folder may include which, where
// heavy headers stay, how long files and functions may be, and that nothing is left out or left
// over.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/tidy/functions.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFileLines = 400;
constexpr size_t kMaxFunctionLines = 70;
const std::vector<std::string> kFolders = {"schemas", "storage", "engine",
                                           "server",  "client",  "tools"};

struct SourceFile {
  std::string path;  // relative to the repository
  std::string folder;
  std::string text;
};

std::string ReadText(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<SourceFile> Sources(const std::vector<std::string>& folders,
                                const std::set<std::string>& extensions) {
  const fs::path root = AUGSTORE_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const std::string& folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (!entry.is_regular_file() || !extensions.contains(entry.path().extension().string()))
        continue;
      files.push_back({fs::relative(entry.path(), root).string(), folder, ReadText(entry.path())});
    }
  }
  return files;
}

std::vector<SourceFile> CodeAndTests() {
  std::vector<std::string> folders = kFolders;
  folders.push_back("tests");
  return Sources(folders, {".h", ".cc"});
}

std::vector<std::string> Includes(const std::string& text) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_search(line, match, kInclude)) out.push_back(match[1]);
  }
  return out;
}

TEST(Tidy, FoldersIncludeOnlyWhatStandsBelowThem) {
  const std::map<std::string, std::set<std::string>> allowed = {
      {"schemas", {"schemas"}},
      {"storage", {"schemas", "storage"}},
      {"engine", {"schemas", "storage", "engine"}},
      {"server", {"schemas", "storage", "engine", "server"}},
      {"client", {"schemas", "client"}},
      {"tools", {"schemas", "storage", "engine", "server", "client", "tools"}}};
  for (const SourceFile& file : Sources(kFolders, {".h", ".cc"})) {
    for (const std::string& include : Includes(file.text)) {
      const std::string folder = include.substr(0, include.find('/'));
      const bool ours = allowed.contains(folder) || folder == "tests";
      EXPECT_TRUE(!ours || allowed.at(file.folder).contains(folder))
          << file.path << " includes " << include;
    }
  }
}

TEST(Tidy, HeavyHeadersStayInTheirFiles) {
  const std::vector<std::pair<std::regex, std::regex>> rules = {
      {std::regex("^rocksdb/"), std::regex("^storage/rocksdb_")},
      {std::regex("^(torch|ATen|c10)/"), std::regex("^engine/torch_")},
      {std::regex("^(dnnl|oneapi/dnnl)"), std::regex("^engine/onednn_")},
      {std::regex("^opencv2/"), std::regex("^engine/(image_io|image_ops|map_mix)\\.cc$")},
      {std::regex("^boost/asio"),
       std::regex("^(server/(session|server|listener)\\.(h|cc)|client/socket_channel\\.cc)$")},
      {std::regex("^flatbuffers/|_generated\\.h$"),
       std::regex("^schemas/[a-z_]*(records|messages|codec)[a-z_]*\\.(h|cc)$")},
      {std::regex("^CLI/"), std::regex("^tools/[a-z_]+\\.cc$")}};
  for (const SourceFile& file : Sources(kFolders, {".h", ".cc"})) {
    for (const std::string& include : Includes(file.text)) {
      for (const auto& [header, place] : rules) {
        EXPECT_TRUE(!std::regex_search(include, header) || std::regex_search(file.path, place))
            << file.path << " includes " << include;
      }
    }
  }
}

TEST(Tidy, FilesStayShort) {
  for (const SourceFile& file : CodeAndTests()) {
    const auto lines = static_cast<size_t>(std::count(file.text.begin(), file.text.end(), '\n'));
    EXPECT_LE(lines, kMaxFileLines) << file.path;
  }
}

TEST(Tidy, FunctionsStayShort) {
  for (const SourceFile& file : CodeAndTests()) {
    for (const FunctionSpan& function : FindFunctions(file.text)) {
      EXPECT_LE(function.lines, kMaxFunctionLines) << file.path << ":" << function.first_line;
    }
  }
}

TEST(Tidy, EverySourceIsListedInItsFoldersBuildFile) {
  for (const std::string& folder : kFolders) {
    const std::string build = ReadText(fs::path(AUGSTORE_SOURCE_DIR) / folder / "CMakeLists.txt");
    for (const SourceFile& file : Sources({folder}, {".cc"})) {
      const std::string name = fs::path(file.path).filename().string();
      const std::regex listed("(^|[\\s(])" + std::regex_replace(name, std::regex("\\."), "\\.") +
                              "($|[\\s)])");
      EXPECT_TRUE(std::regex_search(build, listed)) << file.path << " is not built";
    }
  }
}

TEST(Tidy, EveryFolderHasAReadme) {
  for (const std::string& folder : kFolders) {
    EXPECT_TRUE(fs::exists(fs::path(AUGSTORE_SOURCE_DIR) / folder / "README.md")) << folder;
  }
}

TEST(Tidy, NothingIsLeftToDo) {
  const std::regex left_over(std::string("\\b(TO") + "DO|FIX" + "ME|X" + "XX)\\b");
  for (const SourceFile& file : CodeAndTests()) {
    EXPECT_FALSE(std::regex_search(file.text, left_over)) << file.path;
  }
}

TEST(Tidy, HeadersGuardThemselvesByTheirPath) {
  for (const SourceFile& file : CodeAndTests()) {
    if (!file.path.ends_with(".h")) continue;
    std::string guard = "AUGSTORE_" + file.path + "_";
    for (char& c : guard)
      c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? static_cast<char>(std::toupper(c))
                                                           : '_';
    EXPECT_NE(file.text.find("#ifndef " + guard + "\n#define " + guard), std::string::npos)
        << file.path << ": " << guard;
  }
}

TEST(Tidy, FindsFunctionsAndTheirLengths) {
  const std::string text =
      "namespace a {\nstruct S {\n  int f() {\n    return 1;\n  }\n};\nint g(int x) {\n  if (x) "
      "{\n    return '{';\n  }\n"
      "  return 2;  // }\n}\n}\n";
  const std::vector<FunctionSpan> functions = FindFunctions(text);
  ASSERT_EQ(functions.size(), 2u);
  EXPECT_EQ(functions[0].first_line, 3u);
  EXPECT_EQ(functions[0].lines, 3u);
  EXPECT_EQ(functions[1].first_line, 7u);
  EXPECT_EQ(functions[1].lines, 6u);
}

}  // namespace
}  // namespace augstore
