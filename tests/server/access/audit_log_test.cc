#include "server/access/audit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "schemas/base/files.h"
#include "server/access/access.h"
#include "tests/support/ask.h"
#include "tests/support/filled_store.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

const Principal kCaller{"key k3jd72na", "tcp 10.0.0.5:40122", Role::kWrite, "toy", nullptr};

// Every line of a store's log. The log must be closed.
std::vector<Json> LinesOf(const TempDir& dir) {
  std::vector<Json> lines;
  for (const std::string& path : AuditFile::PathsIn(dir.path())) {
    const Result<std::string> text = ReadFile(path, 1 << 26);
    std::istringstream rest(text.ok() ? *text : "");
    for (std::string line; std::getline(rest, line);) {
      lines.push_back(Json::parse(line, nullptr, false));
      EXPECT_TRUE(lines.back().is_object()) << line;
    }
  }
  return lines;
}

TEST(AuditQueue, GivesItsLinesInOrder) {
  AuditQueue queue(100);
  EXPECT_TRUE(queue.Push("one\n"));
  EXPECT_TRUE(queue.Push("two\n"));
  const AuditQueue::Taken taken = queue.Take();
  EXPECT_EQ(taken.lines, "one\ntwo\n");
  EXPECT_EQ(taken.count, 2u);
  EXPECT_EQ(taken.lost, 0u);
  EXPECT_FALSE(taken.stopped);
}

TEST(AuditQueue, CountsWhatFindsNoRoom) {
  AuditQueue queue(8);
  EXPECT_TRUE(queue.Push("one\n"));
  EXPECT_TRUE(queue.Push("two\n"));
  EXPECT_FALSE(queue.Push("three\n"));
  EXPECT_FALSE(queue.Push("four\n"));
  AuditQueue::Taken taken = queue.Take();
  EXPECT_EQ(taken.lines, "one\ntwo\n");
  EXPECT_EQ(taken.lost, 2u);
  EXPECT_THAT(taken.why, HasSubstr("did not keep up"));
  EXPECT_TRUE(queue.Push("five\n"));
  taken = queue.Take();
  EXPECT_EQ(taken.lines, "five\n");
  EXPECT_EQ(taken.lost, 0u) << "told once";
  EXPECT_EQ(queue.lost(), 2u) << "and counted for good";
}

TEST(AuditQueue, GivesWhatIsLeftWhenItIsStopped) {
  AuditQueue queue(100);
  queue.Push("last\n");
  queue.Stop();
  const AuditQueue::Taken taken = queue.Take();
  EXPECT_EQ(taken.lines, "last\n");
  EXPECT_TRUE(taken.stopped);
  EXPECT_TRUE(queue.Take().stopped) << "without waiting";
}

TEST(AuditLog, SaysWhoDidWhatFromWhereAndHowItEnded) {
  const TempDir dir;
  {
    AuditLog log(dir.path(), AuditFile::kMaxBytes);
    log.Add(kCaller, {"CommitDraft", "draft 17", "toy@2", OkStatus()});
    log.Add(kCaller, {"Query", "collection wide", "", PermissionDenied("not in the scope")});
    log.Add(Nobody("tcp 10.0.0.5:1"), {"Connect", "", "", Unauthenticated("no key")});
  }
  const std::vector<Json> lines = LinesOf(dir);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["who"], "key k3jd72na");
  EXPECT_EQ(lines[0]["role"], "write");
  EXPECT_EQ(lines[0]["from"], "tcp 10.0.0.5:40122");
  EXPECT_EQ(lines[0]["what"], "CommitDraft");
  EXPECT_EQ(lines[0]["target"], "draft 17");
  EXPECT_EQ(lines[0]["result"], "toy@2");
  EXPECT_EQ(lines[0]["outcome"], "Ok");
  EXPECT_THAT(lines[0]["time"].get<std::string>(), testing::ContainsRegex("^20.*T.*Z$"));
  EXPECT_EQ(lines[1]["outcome"], "PermissionDenied");
  EXPECT_EQ(lines[1]["reason"], "not in the scope");
  EXPECT_EQ(lines[2]["who"], "nobody");
  EXPECT_EQ(lines[2]["role"], "unknown");
}

TEST(AuditLog, HasOneLineForEachEntryWhateverIsInIt) {
  const TempDir dir;
  {
    AuditLog log(dir.path(), AuditFile::kMaxBytes);
    log.Add(kCaller, {"AddRecord", "a\nb\xff\"", std::string(1 << 20, 'x'), OkStatus()});
  }
  const std::vector<Json> lines = LinesOf(dir);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["result"].get<std::string>().size(), 1024u);
}

TEST(AuditLog, LosesNothingOfManyThreads) {
  const TempDir dir;
  constexpr int kThreads = 4;
  constexpr int kEntries = 500;
  {
    AuditLog log(dir.path(), 64 << 10);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kEntries; ++i) {
          log.Add(kCaller, {"AppendRows", std::to_string(i), "", OkStatus()});
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(log.lost(), 0u);
  }
  EXPECT_EQ(LinesOf(dir).size(), static_cast<size_t>(kThreads * kEntries));
}

TEST(AuditLog, CountsTheFailuresThatAreMoreThanItWritesInASecond) {
  const TempDir dir;
  constexpr uint64_t kEntries = 10 * AuditLog::kMostFailures;
  uint64_t lost = 0;
  {
    AuditLog log(dir.path(), AuditFile::kMaxBytes);
    for (uint64_t i = 0; i < kEntries; ++i) {
      log.Add(kCaller, {"Connect", "", "", Unauthenticated("the key is not one of this store's")});
    }
    lost = log.lost();
    log.Add(kCaller, {"CommitDraft", "", "", OkStatus()});
  }
  EXPECT_GT(lost, 0u);
  uint64_t told = 0;
  uint64_t written = 0;
  for (const Json& line : LinesOf(dir)) {
    if (line.contains("lost")) {
      told += line["lost"].get<uint64_t>();
      EXPECT_THAT(line["reason"].get<std::string>(), HasSubstr("too many failures"));
    } else {
      ++written;
    }
  }
  EXPECT_EQ(told, lost);
  EXPECT_EQ(written + told, kEntries + 1) << "each is written or counted";
}

TEST(AuditLog, SaysHowManyLinesAFullDeviceTookAndGoesOn) {
  const TempDir dir;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  {
    AuditLog log(dir.path(), AuditFile::kMaxBytes);
    const rlimit full{0, old.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
    for (int i = 0; i < 3; ++i) log.Add(kCaller, {"AddRecord", "before", "", OkStatus()});
    while (log.lost() < 3) std::this_thread::yield();
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
    log.Add(kCaller, {"AddRecord", "after", "", OkStatus()});
  }
  const std::vector<Json> lines = LinesOf(dir);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["lost"], 3);
  EXPECT_THAT(lines[0]["reason"].get<std::string>(), HasSubstr("File too large"));
  EXPECT_EQ(lines[1]["target"], "after");
}

class AuditedServiceTest : public ::testing::Test {
 protected:
  AuditedServiceTest()
      : log_(std::make_unique<AuditLog>(dir_.path(), AuditFile::kMaxBytes)),
        service_(std::make_unique<Service>(filled_.catalog.get(),
                                           ServiceOptions{.address = {}, .audit = log_.get()})) {}
  template <typename Request>
  void Send(const Request& request, Role role = Role::kAdmin, const std::string& scope = "") {
    auto caller = std::make_shared<Principal>(Principal{"key x", "test", role, scope, nullptr});
    Replies(*service_, ToFrame(request), caller);
  }
  // "what target outcome result" of each line.
  std::vector<std::string> Lines() {
    service_.reset();
    log_.reset();
    std::vector<std::string> texts;
    for (const Json& line : LinesOf(dir_)) {
      texts.push_back(line["what"].get<std::string>() + " | " + line["target"].get<std::string>() +
                      " | " + line["outcome"].get<std::string>() + " | " +
                      line.value("result", ""));
    }
    return texts;
  }

  TempDir dir_;
  FilledStore filled_;
  std::unique_ptr<AuditLog> log_;
  std::unique_ptr<Service> service_;
};

TEST_F(AuditedServiceTest, HasEveryWriteWithWhatItMade) {
  Send(AddRecordRequest{RecordKind::kBackbone, "phi", Encode(TestBackboneRecord()), ""});
  Send(SetAliasRequest{RecordKind::kTransform, "double", "best", 1, "", 0, true});
  Send(DeleteRecordRequest{RecordKind::kCollection, "toy@9"});
  Send(RevokeKeyRequest{"nobody"});
  Send(RepairRowsRequest{"", true});
  EXPECT_THAT(Lines(),
              ElementsAre("AddRecord | backbone phi | Ok | phi@1",
                          "SetAlias | transform double, alias best to 1, by force | Ok | ",
                          "DeleteRecord | collection toy@9 | NotFound | ",
                          "RevokeKey | key nobody | NotFound | ", "RepairRows | rows | Ok | "));
}

TEST_F(AuditedServiceTest, HasADraftFromItsBeginningToItsCommit) {
  const BeginDraftRequest begin{"new", TestBackbone(), TestLabels(), false, "test"};
  auto caller = std::make_shared<Principal>(Principal{"key x", "test", Role::kWrite, "", nullptr});
  const auto draft = FromFrame<DraftReply>(Replies(*service_, ToFrame(begin), caller).at(0));
  ASSERT_TRUE(draft.ok());
  Send(AppendSamplesRequest{draft->draft, TestSamples({0, 1, 2})}, Role::kWrite);
  Send(CompareDraftRequest{draft->draft}, Role::kWrite);
  Send(CommitDraftRequest{draft->draft, 3}, Role::kWrite);
  const std::string number = "draft " + std::to_string(draft->draft);
  EXPECT_THAT(Lines(), ElementsAre("BeginDraft | collection new | Ok | " + number,
                                   "AppendSamples | " + number + ", 3 samples | Ok | ",
                                   "CommitDraft | " + number + " | Ok | new@1"));
}

TEST_F(AuditedServiceTest, HasEveryRefusalAndNothingElseOfThoseWhoRead) {
  Send(QueryRequest{"toy", {1}, "", ""}, Role::kRead);
  Send(GetRecordRequest{RecordKind::kCollection, "none", false}, Role::kRead);
  Send(QueryRequest{"wide", {1}, "", ""}, Role::kRead, "toy");
  Send(BatchesRequest{{.collection = "wide"}, {}, 0, 0, 1}, Role::kRead, "toy");
  Send(CommitDraftRequest{7, 0}, Role::kRead);
  Send(RepairRowsRequest{"", false});
  Send(RepairRowsRequest{"", false}, Role::kWrite);
  service_->NoteRefusal(Nobody("tcp 10.0.0.5:1"), "Connect", Unauthenticated("no key"));
  EXPECT_THAT(Lines(), ElementsAre("Query | collection wide | PermissionDenied | ",
                                   "Batches | collection wide | PermissionDenied | ",
                                   "CommitDraft | draft 7 | PermissionDenied | ",
                                   "RepairRows | rows | PermissionDenied | ",
                                   "Connect |  | Unauthenticated | "));
}

TEST_F(AuditedServiceTest, HasTheIdOfAKeyAndNeverItsSecret) {
  const auto made = Ask<KeyReply>(*service_, CreateKeyRequest{Role::kRead, "toy", 0, "note"});
  const auto rotated = Ask<KeyReply>(*service_, RotateKeyRequest{made->key.id, 0});
  const std::string id = made->key.id;
  EXPECT_THAT(Lines(), ElementsAre("CreateKey | role read, scope 'toy' | Ok | key " + id,
                                   "RotateKey | key " + id + " | Ok | key " + id));
  const std::string text = ReadFile(AuditFile::PathsIn(dir_.path()).back(), 1 << 20).value();
  EXPECT_THAT(text, Not(HasSubstr(made->text.substr(14))));
  EXPECT_THAT(text, Not(HasSubstr(rotated->text.substr(14))));
}

TEST(Access, SaysOfEveryRequestWhetherItWrites) {
  for (const MessageType type : {MessageType::kFindImagesRequest, MessageType::kCompareDraftRequest,
                                 MessageType::kVerifyRequest, MessageType::kListKeysRequest}) {
    EXPECT_FALSE(IsWrite(type)) << MessageTypeName(type);
    EXPECT_GT(*NeededRole(type), Role::kRead) << MessageTypeName(type);
  }
  EXPECT_TRUE(IsWrite(MessageType::kAppendRowsRequest));
  EXPECT_FALSE(IsWrite(MessageType::kAuthenticateRequest));
}

}  // namespace
}  // namespace augstore
