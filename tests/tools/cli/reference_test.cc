#include "tools/cli/reference.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/places.h"
#include "tools/commands.h"

namespace augstore {
namespace {

TEST(Reference, ListsACommandWithItsFlags) {
  uint64_t limit = 3;
  std::string text;
  bool json = false;
  Command program("augstore", "");
  Command* show = program.AddGroup("head", "")->Add("show", "Show one", "Example:\n  x", [] {
    return OkStatus();
  });
  show->AddFlag("head", &text, "name").Required();
  show->AddFlag("--limit", &limit, "At most\nthis | that").Env("LIMIT");
  show->AddFlag("--json", &json, "As JSON");
  EXPECT_EQ(MarkdownReference(program),
            "\n### augstore head show\n\nShow one.\n\n```\nx\n```\n\n"
            "| flag | meaning | default |\n|---|---|---|\n"
            "| `head` | name | required |\n"
            "| `--limit N` | At most this \\| that (environment: `LIMIT`) | `3` |\n"
            "\nCommon flags: `--json`.\n");
}

TEST(Reference, IsWhatTheDocumentationSays) {
  std::ifstream file(SourcePath("docs/cli.md"));
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::string heading = "\n## Commands\n";
  const size_t begin = page.find(heading);
  ASSERT_NE(begin, std::string::npos);
  Command program("augstore", "");
  AddCommands<true>(&program);
  EXPECT_TRUE(page.substr(begin + heading.size()) == MarkdownReference(program))
      << "docs/cli.md differs from the code: replace what follows its heading Commands with the "
         "output of `augstore help --markdown`";
}

}  // namespace
}  // namespace augstore
