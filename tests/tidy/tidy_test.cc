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

#include "tests/support/places.h"
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
  const fs::path root = SourcePath("");
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

// "engine/math" of "engine/math/optimizer.cc"; empty for a file that is in no room.
std::string RoomOf(const std::string& path) {
  const size_t last = path.rfind('/');
  return path.find('/') == last ? "" : path.substr(0, last);
}

TEST(Tidy, RoomsIncludeOnlyRoomsOnTheirLeft) {
  const std::vector<std::vector<std::string>> floors = {
      {"schemas/base", "schemas/weights", "schemas/records", "schemas/wire"},
      {"storage/store", "storage/rocksdb", "storage/backup", "storage/collections",
       "storage/catalog"},
      {"engine/math", "engine/kernels", "engine/images", "engine/transforms", "engine/backbone",
       "engine/heads", "engine/fitting", "engine/conditional", "engine/streams"},
      {"server/access", "server/metrics", "server/traces", "server/cache", "server/service",
       "server/sockets", "server/http"},
      {"tools/flags", "tools/cli", "tools/synth", "tools/collection", "tools/serve", "tools/head",
       "tools/transform", "tools/policy", "tools/compare", "tools/plan", "tools/paper",
       "tools/bench"}};
  std::map<std::string, std::pair<size_t, size_t>> place;  // room -> (folder, place in it)
  for (size_t i = 0; i < floors.size(); ++i) {
    for (size_t j = 0; j < floors[i].size(); ++j) place[floors[i][j]] = {i, j};
  }
  for (const SourceFile& file : Sources(kFolders, {".h", ".cc"})) {
    const std::string room = RoomOf(file.path);
    if (room.empty()) continue;
    ASSERT_TRUE(place.contains(room)) << room << " has no place in this test";
    for (const std::string& include : Includes(file.text)) {
      const auto other = place.find(RoomOf(include));
      if (other == place.end() || other->second.first != place[room].first) continue;
      EXPECT_LE(other->second.second, place[room].second) << file.path << " includes " << include;
    }
  }
}

TEST(Tidy, HeavyHeadersStayInTheirFiles) {
  const std::vector<std::pair<std::regex, std::regex>> rules = {
      {std::regex("^rocksdb/"),
       std::regex("^(storage/rocksdb|storage/backup|tools/bench)/rocksdb_")},
      {std::regex("^(torch|ATen|c10)/"),
       std::regex("^(engine/backbone|engine/fitting|engine/heads|tools/bench)/torch_")},
      {std::regex("^(dnnl|oneapi/dnnl)"), std::regex("^(engine/math|tools/bench)/onednn_")},
      {std::regex("^opencv2/"),
       std::regex("^engine/(images/image_io|images/image_ops|transforms/cell_mix)\\.cc$")},
      {std::regex("^Eigen/"), std::regex("^engine/math/eigen_")},
      {std::regex("^boost/asio"),
       std::regex("^(server/sockets/(accept|reply_pipeline|session|session_deadlines|server|"
                  "listener|transport)\\.(h|cc)|server/http/http_(server|session|message)\\.(h|cc)|"
                  "server/traces/collector\\.cc|client/socket_channel\\.cc)$")},
      {std::regex("^openssl/(ssl|x509)"),
       std::regex("^schemas/wire/tls_(context|connection)\\.cc$")},
      {std::regex("^flatbuffers/|_generated\\.h$"), std::regex("^schemas/(records|wire)/")},
      {std::regex("^boost/beast"),
       std::regex("^server/(http/http_message|traces/collector)\\.cc$")},
      {std::regex("^toml"), std::regex("^tools/flags/config_file\\.cc$")},
      {std::regex("^CLI/"), std::regex("^tools/flags/command_line\\.cc$")}};
  for (const SourceFile& file : Sources(kFolders, {".h", ".cc"})) {
    for (const std::string& include : Includes(file.text)) {
      for (const auto& [header, place] : rules) {
        EXPECT_TRUE(!std::regex_search(include, header) || std::regex_search(file.path, place))
            << file.path << " includes " << include;
      }
    }
  }
}

// Classes that are too long for one source. Each is cut by subject into sources that begin with the
// name of its header.
const std::set<std::string> kSplitClasses = {
    "storage/catalog/catalog.h: storage/catalog/catalog_deletion.cc",
    "storage/catalog/catalog.h: storage/catalog/catalog_drafts.cc",
    "storage/catalog/catalog.h: storage/catalog/catalog_erasure.cc",
    "storage/catalog/catalog.h: storage/catalog/catalog_rows.cc",
    "storage/catalog/catalog.h: storage/catalog/catalog_weights.cc",
    "storage/rocksdb/rocksdb_store.h: storage/rocksdb/rocksdb_store_garbage.cc",
    "storage/rocksdb/rocksdb_store.h: storage/rocksdb/rocksdb_store_lost_rows.cc",
    "storage/rocksdb/rocksdb_store.h: storage/rocksdb/rocksdb_store_read.cc",
    "storage/rocksdb/rocksdb_store.h: storage/rocksdb/rocksdb_store_registry.cc",
    "storage/rocksdb/rocksdb_store.h: storage/rocksdb/rocksdb_store_segments.cc",
    "storage/rocksdb/rocksdb_store.h: storage/rocksdb/rocksdb_store_verify.cc",
};

// One header for a family of sources: each command, and each part of `augstore bench`, has its own.
const std::set<std::string> kFamilies = {"tools/bench/bench_parts.h", "tools/commands.h"};

TEST(Tidy, AHeadersFunctionsAreDefinedInItsOwnSource) {
  std::map<std::string, std::set<std::string>> headers;  // of each function, those that declare it
  for (const SourceFile& file : Sources(kFolders, {".h"})) {
    if (kFamilies.contains(file.path)) continue;
    for (const std::string& name : FindFunctionNames(file.text).declared)
      headers[name].insert(file.path);
  }
  std::map<std::string, std::set<std::string>> defined;  // functions of each source, by its header
  for (const SourceFile& file : Sources(kFolders, {".cc"})) {
    const std::string own = fs::path(file.path).replace_extension(".h").string();
    defined[own] = FindFunctionNames(file.text).defined;
  }
  std::set<std::string> strays;
  for (const auto& [own, names] : defined) {
    const std::string source = fs::path(own).replace_extension(".cc").string();
    for (const std::string& name : names) {
      if (!headers.contains(name) || headers.at(name).contains(own)) continue;
      for (const std::string& header : headers.at(name)) {
        // Names do not tell overloads apart: this one may be another file's own.
        if (defined[header].contains(name)) continue;
        const std::string stray = header + ": " + source;
        strays.insert(stray);
        EXPECT_TRUE(kSplitClasses.contains(stray))
            << name << " is declared in " << header << " and defined in " << source
            << ": let header and source share a name";
      }
    }
  }
  for (const std::string& split : kSplitClasses)
    EXPECT_TRUE(strays.contains(split)) << split << " is split no more: take it from kSplitClasses";
}

TEST(Tidy, NoRoomIsTooFull) {
  constexpr size_t kMaxFiles = 30;
  std::map<std::string, size_t> files;
  for (const SourceFile& file : Sources(kFolders, {".h", ".cc"})) {
    ++files[fs::path(file.path).parent_path().string()];
  }
  for (const auto& [room, count] : files) EXPECT_LE(count, kMaxFiles) << room;
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

TEST(Tidy, EveryFolderHasAReadme) {
  for (const std::string& folder : kFolders) {
    EXPECT_TRUE(fs::exists(SourcePath(folder + "/README.md"))) << folder;
  }
}

TEST(Tidy, TheReadmesOfRoomsAreShort) {
  constexpr int64_t kMaxReadmeLines = 15;
  std::map<std::string, std::string> rooms;  // of each, the name of its README
  for (const SourceFile& file : Sources(kFolders, {".h", ".cc"})) {
    if (!RoomOf(file.path).empty()) rooms[RoomOf(file.path)] = RoomOf(file.path) + "/README.md";
  }
  for (const auto& [room, readme] : rooms) {
    EXPECT_TRUE(!room.starts_with("engine/") || fs::exists(SourcePath(readme))) << room;
    const std::string text = ReadText(SourcePath(readme));
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), kMaxReadmeLines) << readme;
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

TEST(Tidy, FindsDeclaredAndDefinedFunctions) {
  const FunctionNames header = FindFunctionNames(
      "namespace a {\ntemplate <class T>\nclass S : public B {\n public:\n  explicit S(int x = "
      "f(1));\n"
      "  ~S();\n  virtual int Run() = 0;\n  int size() const { return size_; }\n"
      "  AUGSTORE_FIELDS(S, F(m.a), G(m.b))\n  std::function<void(int)> task_;\n  bool "
      "operator==(const S&) const = default;\n};\n"
      "Result<std::string> Load(const S& s);\nextern const int kSize;\n}\n");
  EXPECT_EQ(header.declared, (std::set<std::string>{"S::S", "S::~S", "S::Run", "Load"}));
  EXPECT_EQ(header.defined, (std::set<std::string>{"S::size"}));
  const FunctionNames source = FindFunctionNames(
      "#include \"s.h\"\n#if defined(X)\n#endif\nnamespace a {\nnamespace {\nint Hidden() { return "
      "1; }\n}\n"
      "static int AlsoHidden() { return 1; }\nS::S(int x) : x_{x} {}\nS::~S() {}\n"
      "Result<std::string> Load(const S& s) {\n  auto g = [](int i) { return i; };\n  return "
      "g(1);\n}\n}\n");
  EXPECT_EQ(source.declared, (std::set<std::string>{}));
  EXPECT_EQ(source.defined, (std::set<std::string>{"S::S", "S::~S", "Load"}));
}

}  // namespace
}  // namespace augstore
