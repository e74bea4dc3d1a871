// Every request with every kind of key, over TCP, against the table of docs/security.md.
#include "server/access/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <map>
#include <sstream>

#include "schemas/base/files.h"
#include "tests/server/access/access_requests.h"
#include "tests/support/ask.h"
#include "tests/support/places.h"
#include "tests/support/serving.h"

namespace augstore {
namespace {

using access_requests::MakeRequest;
using access_requests::MoveAlias;
using access_requests::RequestsOfAdmins;
using access_requests::RequestsOfReaders;
using access_requests::RequestsOfWriters;
using access_requests::Target;
using ::testing::HasSubstr;
using ::testing::Not;

// Row -> column -> cell of the table whose first header is "request".
using TextTable = std::map<std::string, std::map<std::string, std::string>>;

std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream rest(line.substr(1));
  for (std::string cell; std::getline(rest, cell, '|');) {
    const size_t begin = cell.find_first_not_of(' ');
    if (begin == std::string::npos) continue;
    cells.push_back(cell.substr(begin, cell.find_last_not_of(' ') - begin + 1));
  }
  return cells;
}

TextTable ReadTable() {
  std::istringstream lines(ReadFile(SourcePath("docs/security.md"), 1 << 20).value());
  std::vector<std::string> headers;
  TextTable table;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| request ")) {
      headers = Cells(line);
    } else if (headers.empty() || !line.starts_with("|")) {
      headers.clear();
    } else if (!line.starts_with("|--")) {
      const std::vector<std::string> cells = Cells(line);
      EXPECT_EQ(cells.size(), headers.size()) << line;
      for (size_t i = 1; i < cells.size(); ++i) table[cells[0]][headers[i]] = cells[i];
    }
  }
  return table;
}

// A request of each row of the table, which an admin's key is not refused.
const std::map<std::string, MakeRequest>& Requests() {
  static const std::map<std::string, MakeRequest> requests = [] {
    std::map<std::string, MakeRequest> all = RequestsOfReaders();
    all.merge(RequestsOfWriters());
    all.merge(RequestsOfAdmins());
    return all;
  }();
  return requests;
}

class AccessTest : public ::testing::Test {
 protected:
  AccessTest() {
    EXPECT_TRUE(AddWideCollection(*filled_.catalog).ok());
    KeyRecord record;
    record.secret = HashSecret(expired_.secret);
    record.role = Role::kAdmin;
    record.expires_unix_s = std::time(nullptr) - 1;
    EXPECT_TRUE(filled_.store->PutRecord(RecordKind::kKey, expired_.id, Encode(record)).ok());
    service_ = std::make_unique<Service>(filled_.catalog.get(), ServiceOptions{});
    ServerOptions options{.listen = {{Address::Kind::kTcp, "127.0.0.1", 0, ""}},
                          .max_failed_handshakes = 0,
                          .failed_handshake_pause = std::chrono::milliseconds(1),
                          .workers = 2};
    server_ = Server::Start(service_.get(), options).value();
  }

  KeyReply Create(Role role, const std::string& scope = "") {
    return Ask<KeyReply>(*service_, CreateKeyRequest{role, scope, 0, ""}).value();
  }
  RawSocket Connect() { return RawSocket(server_->addresses()[0]); }
  RawSocket Connect(const std::string& key) {
    RawSocket socket = Connect();
    const Status admitted = StatusOf(Exchange(socket, ToFrame(AuthenticateRequest{key})));
    EXPECT_TRUE(admitted.ok()) << admitted.ToString();
    return socket;
  }
  // The first reply; nothing when the connection was closed.
  static std::optional<Frame> Exchange(RawSocket& socket, Frame request) {
    request.request_id = kAskId;
    socket.Send(request);
    auto reply = socket.Receive();
    EXPECT_TRUE(reply.ok()) << reply.status().ToString();
    return reply.ok() ? *std::move(reply) : std::nullopt;
  }
  static Status StatusOf(const std::optional<Frame>& reply) {
    if (!reply.has_value()) return Unavailable("closed");
    if (reply->type != MessageType::kErrorReply) return OkStatus();
    return ExpectType(*reply, MessageType::kEndReply);
  }
  uint32_t Begin(RawSocket& socket, const std::string& collection) {
    const auto reply = Exchange(socket, Requests().at("BeginDraft")({collection}));
    const auto draft = FromFrame<DraftReply>(*reply);
    EXPECT_TRUE(draft.ok()) << draft.status().ToString();
    return draft.ok() ? draft->draft : 0;
  }
  // Whether a server let the caller do it, with or without success.
  static bool IsAllowed(const Status& status) {
    return status.code() != Code::kUnauthenticated && status.code() != Code::kPermissionDenied &&
           status.message().find("is not one that this caller began") == std::string::npos;
  }

  FilledStore filled_;
  const Key expired_ = NewKey().value();
  std::unique_ptr<Service> service_;
  std::unique_ptr<Server> server_;
};

// Cell of each row, by column.
using Answers = std::map<std::string, std::string>;

TEST_F(AccessTest, IsWhatTheTableSaysForEveryRequestAndEveryKindOfKey) {
  const TextTable table = ReadTable();
  ASSERT_EQ(table.size(), Requests().size());
  const std::string read = Create(Role::kRead).text;
  const std::string write = Create(Role::kWrite).text;
  const std::string admin = Create(Role::kAdmin).text;
  const std::string scoped = Create(Role::kWrite, "toy").text;
  RawSocket other = Connect(admin);
  for (const auto& [name, make] : Requests()) {
    const auto answer = [&, &make = make](const std::string& key, Target target) {
      RawSocket socket = Connect(key);
      const bool may_begin = key != read && target.collection == "toy";
      // Whoever may not begin one tries that of another.
      target.draft = Begin(may_begin ? socket : other, "toy");
      const Status status = StatusOf(Exchange(socket, make(target)));
      (void)Exchange(may_begin ? socket : other, ToFrame(AbortDraftRequest{target.draft}));
      return std::string(IsAllowed(status) ? "yes" : "no");
    };
    const Answers answers = {{"no valid key", "no"},
                             {"read", answer(read, {"toy"})},
                             {"write", answer(write, {"toy"})},
                             {"admin", answer(admin, {"toy"})},
                             {"inside", answer(scoped, {"toy"})},
                             {"outside", answer(scoped, {"wide"})}};
    ASSERT_TRUE(table.contains(name)) << name << " is not in docs/security.md";
    EXPECT_EQ(table.at(name), answers) << name;
  }
}

TEST_F(AccessTest, ServesNothingWithoutAValidKey) {
  for (const auto& [name, make] : Requests()) {
    Frame request = make({"toy", 1});
    RawSocket nobody = Connect();
    EXPECT_EQ(StatusOf(Exchange(nobody, request)).code(), Code::kUnauthenticated) << name;
    EXPECT_TRUE(nobody.WaitForHangUp()) << name;
    // The request is on its way already when the key turns out to be none.
    for (const std::string& key : {NewKey()->Text(), expired_.Text(), std::string("guess")}) {
      RawSocket socket = Connect();
      socket.Send(ToFrame(AuthenticateRequest{key}, kAskId));
      EXPECT_EQ(StatusOf(Exchange(socket, request)).code(), Code::kUnauthenticated) << name;
      EXPECT_TRUE(socket.WaitForHangUp()) << name;
    }
    const KeyReply key = Create(Role::kAdmin);
    RawSocket revoked = Connect(key.text);
    ASSERT_TRUE(Ask<EndReply>(*service_, RevokeKeyRequest{key.key.id}).ok());
    EXPECT_EQ(StatusOf(Exchange(revoked, request)).code(), Code::kUnauthenticated) << name;
  }
}

TEST_F(AccessTest, TellsAKeyWithAScopeNothingOfOtherCollections) {
  RawSocket socket = Connect(Create(Role::kRead, "toy nothing*").text);
  const auto ask = [&](const auto& request) { return Exchange(socket, ToFrame(request)).value(); };

  const auto list =
      FromFrame<RecordListReply>(ask(ListRecordsRequest{RecordKind::kCollection, ""}));
  ASSERT_EQ(list->records.size(), 1u);
  EXPECT_EQ(list->records[0].name, "toy");
  const auto stats = FromFrame<StatsReply>(ask(StatsRequest{}));
  EXPECT_THAT(stats->json, HasSubstr("\"collections\":1"));
  for (const char* word : {"spaces", "rows", "bytes", "requests", "wide"}) {
    EXPECT_THAT(stats->json, Not(HasSubstr(word)));
  }
  const auto message = [&](RecordKind kind, const std::string& ref) {
    return ExpectType(ask(GetRecordRequest{kind, ref, false}), MessageType::kRecordReply)
        .ToString();
  };
  const std::string there = message(RecordKind::kCollection, "wide");
  std::string absent = message(RecordKind::kCollection, "wade");
  EXPECT_THAT(there, HasSubstr("PermissionDenied"));
  absent.replace(absent.find("wade"), 4, "wide");
  EXPECT_EQ(there, absent);
  EXPECT_THAT(message(RecordKind::kAliases, "collection/wide"), HasSubstr("PermissionDenied"));
  EXPECT_THAT(message(RecordKind::kAliases, "transform/double"), HasSubstr("Ok"));
  EXPECT_EQ(message(RecordKind::kCollection, "nothing1"),
            "NotFound: collection 'nothing1' does not exist");
  EXPECT_THAT(message(RecordKind::kKey, "x"), HasSubstr("internal to the store"));
}

TEST_F(AccessTest, KeepsTheAliasesOfOtherCollectionsFromAKeyWithAScope) {
  ASSERT_TRUE(filled_.catalog->SetAlias(RecordKind::kCollection, "wide", "best", 1, "").ok());
  ASSERT_TRUE(filled_.catalog->SetAlias(RecordKind::kCollection, "toy", "best", 1, "").ok());
  ASSERT_TRUE(filled_.catalog->SetAlias(RecordKind::kTransform, "double", "best", 1, "").ok());
  RawSocket socket = Connect(Create(Role::kRead, "toy").text);
  const auto list = FromFrame<RecordListReply>(
      *Exchange(socket, ToFrame(ListRecordsRequest{RecordKind::kAliases, ""})));
  ASSERT_EQ(list->records.size(), 2u);
  EXPECT_EQ(list->records[0].name, "collection/toy");
  EXPECT_EQ(list->records[1].name, "transform/double");
}

TEST_F(AccessTest, GivesADraftToWhoeverBeganItAlone) {
  const KeyReply key = Create(Role::kWrite);
  RawSocket socket = Connect(key.text);
  const uint32_t draft = Begin(socket, "toy");
  RawSocket admin = Connect(Create(Role::kAdmin).text);
  EXPECT_EQ(StatusOf(Exchange(admin, ToFrame(AbortDraftRequest{draft}))).code(), Code::kNotFound);
  // Whatever its secret is now.
  const auto rotated = Ask<KeyReply>(*service_, RotateKeyRequest{key.key.id, 0});
  RawSocket again = Connect(rotated->text);
  EXPECT_TRUE(StatusOf(Exchange(again, ToFrame(AbortDraftRequest{draft}))).ok());
}

TEST_F(AccessTest, EndsARunningStreamWhenItsKeyIsRevoked) {
  const KeyReply key = Create(Role::kRead, "wide");
  RawSocket socket = Connect(key.text);
  const auto stream = FromFrame<StreamReply>(
      *Exchange(socket, ToFrame(OpenStreamRequest{{.collection = "wide", .batch_size = 8}})));
  ASSERT_TRUE(stream.ok()) << stream.status().ToString();
  socket.Send(ToFrame(BatchesRequest{stream->spec, stream->fingerprint, 0, 0, 1u << 20}, kAskId));
  ASSERT_EQ((*socket.Receive())->type, MessageType::kBatchReply);
  ASSERT_TRUE(Ask<EndReply>(*service_, RevokeKeyRequest{key.key.id}).ok());
  uint64_t batches = 1;
  std::optional<Frame> last = *socket.Receive();
  for (; last.has_value() && last->type == MessageType::kBatchReply; last = *socket.Receive()) {
    ++batches;
  }
  EXPECT_EQ(StatusOf(last).code(), Code::kUnauthenticated);
  EXPECT_LT(batches, stream->steps);
}

TEST_F(AccessTest, TakesNoLargeRequestFromAPeerThatIsNotKnown) {
  RawSocket socket = Connect();
  auto header = SealHeader(ToFrame(QueryRequest{"toy", std::vector<SampleId>(2000), "", ""}, 1));
  socket.Send({reinterpret_cast<const char*>(header.data()), header.size()});
  const auto reply = socket.Receive();
  ASSERT_TRUE(reply.ok() && reply->has_value());
  EXPECT_EQ(StatusOf(**reply).code(), Code::kUnauthenticated);
  EXPECT_TRUE(socket.WaitForHangUp());
}

TEST_F(AccessTest, TellsNobodyOfKeysThroughTheAliasesOfTheirNames) {
  const KeyReply key = Create(Role::kRead);
  RawSocket socket = Connect(key.text);
  for (const std::string ref : {"key/zzzzzzzz", "space/x"}) {
    const Status refused =
        StatusOf(Exchange(socket, ToFrame(GetRecordRequest{RecordKind::kAliases, ref, false})));
    EXPECT_EQ(refused.code(), Code::kInvalidArgument) << ref;
    EXPECT_EQ(refused.message().find(key.key.id), std::string::npos) << refused.ToString();
  }
  const auto whole = Ask<EndReply>(*service_, RevokeKeyRequest{key.text});  // and not its id
  EXPECT_EQ(whole.status().message().find(key.text.substr(20)), std::string::npos);
}

TEST_F(AccessTest, AdmitsAgainOnAConnectionWhoseKeyWasRotated) {
  const KeyReply key = Create(Role::kRead);
  RawSocket socket = Connect(key.text);
  const auto rotated = Ask<KeyReply>(*service_, RotateKeyRequest{key.key.id, 0});
  ASSERT_TRUE(rotated.ok());
  EXPECT_EQ(StatusOf(Exchange(socket, ToFrame(StatsRequest{}))).code(), Code::kUnauthenticated);
  EXPECT_TRUE(StatusOf(Exchange(socket, ToFrame(AuthenticateRequest{rotated->text}))).ok());
  EXPECT_TRUE(StatusOf(Exchange(socket, ToFrame(StatsRequest{}))).ok());
}

}  // namespace
}  // namespace augstore
