// The n-th allocation fails while a store on disk is written: no crash, no hang, and the store
// opens again with everything that was acknowledged. Each attempt is a process of its own, as
// RocksDB does not expect exceptions. AUGSTORE_FAULT_ROUNDS: every n (tools/torture); else ever
// larger steps.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "schemas/base/out_of_memory.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "tests/faults/failing_new.h"
#include "tests/support/ask.h"
#include "tests/support/filled_store.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

constexpr unsigned kPatienceSeconds = 60;  // only a process that hangs takes longer

struct Ended {
  std::string said;  // what the process wrote
  bool crashed = false;
};

// Runs `work` in a process of its own and returns what it says.
Ended RunApart(const std::function<std::string()>& work) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return {"no pipe", true};
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kPatienceSeconds);
    EndCleanlyWithoutMemory();
    const std::string said = work();
    const bool written =
        ::write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size());
    ::_exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  Ended ended;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
    ended.said.append(buffer.data(), static_cast<size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  // The second one: it ended with a message, because memory ran out where it could not go on.
  ended.crashed = !WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 7);
  return ended;
}

// An open store with its service.
struct Database {
  explicit Database(const std::string& path)
      : store(OpenRocksDbStore(path,
                               {.access = StoreAccess::kCreate, .memory_budget_bytes = 1u << 20})
                  .value()),
        catalog(Catalog::Open(store.get()).value()),
        service(std::make_unique<Service>(catalog.get(), ServiceOptions{.address = "test"})) {}
  std::unique_ptr<Store> store;
  std::unique_ptr<Catalog> catalog;
  std::unique_ptr<Service> service;
};

std::string Problems(Catalog& catalog) {
  std::string problems;
  std::string cursor;
  do {
    const auto step = catalog.Verify(cursor);
    if (!step.ok()) return step.status().ToString();
    for (const std::string& problem : step->problems) problems += problem + "\n";
    cursor = step->cursor;
  } while (!cursor.empty());
  return problems;
}

class StoreMemoryTest : public testing::Test {
 protected:
  // What is written, a further one each time: prepared, then sent with little memory; and whether a
  // store has it.
  struct Step {
    std::function<Frame(Database&, uint64_t number)> prepare;
    std::function<bool(Database&, uint64_t number)> is_there;
  };

  // "ok" or an error, and whether an allocation failed.
  std::string Attempt(const Step& step, uint64_t number, FailingNew::Kind kind, uint64_t n) {
    Database database(path_);
    const Frame request = step.prepare(database, number);
    const PrincipalPointer caller = Owner(0, "test");
    std::optional<Frame> reply;
    bool has_failed = false;
    {
      const FailingNew failing(kind, n);
      try {
        reply = database.service->Start(request, caller)->Next();
      } catch (const std::bad_alloc&) {
        reply.reset();  // not even for an error
      }
      has_failed = FailingNew::HasFailed();
    }
    const bool done = reply.has_value() && reply->type != MessageType::kErrorReply;
    return std::string(has_failed ? "failed " : "untouched ") + (done ? "done" : "refused");
  }

  void ExpectSoundWhicheverAllocationFails(const Step& step) {
    const bool every = std::getenv("AUGSTORE_FAULT_ROUNDS") != nullptr;
    const Ended filled = RunApart([&] { return FillCatalog(*Database(path_).catalog).ToString(); });
    ASSERT_EQ(filled.said, "Ok");
    std::vector<uint64_t> acknowledged;
    uint64_t number = 0;
    for (const auto kind : {FailingNew::Kind::kOne, FailingNew::Kind::kFrom}) {
      for (uint64_t n = 1;; n += every ? 1 : 1 + n / 2) {
        SCOPED_TRACE(fmt::format("allocation {}{}", n,
                                 kind == FailingNew::Kind::kOne ? "" : " and all after it"));
        ++number;
        const Ended attempt = RunApart([&] { return Attempt(step, number, kind, n); });
        ASSERT_FALSE(attempt.crashed) << "it crashed or hung: " << attempt.said;
        if (attempt.said.ends_with("done")) acknowledged.push_back(number);
        const Ended check = RunApart([&] {
          Database database(path_);
          std::string found = Problems(*database.catalog);
          for (const uint64_t each : acknowledged) {
            if (!step.is_there(database, each)) found += fmt::format("{} is lost\n", each);
          }
          return found;
        });
        ASSERT_FALSE(check.crashed) << check.said;
        ASSERT_EQ(check.said, "");
        if (attempt.said.starts_with("untouched")) break;
      }
    }
    EXPECT_GE(acknowledged.size(), 2u);
  }

  TempDir folder_;
  std::string path_ = folder_.path() + "/store";
};

TEST_F(StoreMemoryTest, KeepsRowsThatWereAcknowledged) {
  const auto image = [](uint64_t number, uint64_t i) { return 100'000 + number * 10 + i; };
  ExpectSoundWhicheverAllocationFails(
      {.prepare =
           [&](Database&, uint64_t number) {
             AppendRowsRequest request{.backbone = TestBackbone(),
                                       .images = {},
                                       .embeddings = TestEmbeddings(image(number, 0), 3),
                                       .feature_maps = {}};
             for (uint64_t i = 0; i < 3; ++i) request.images.push_back(TestImage(image(number, i)));
             return ToFrame(request);
           },
       .is_there =
           [&](Database& database, uint64_t number) {
             const auto rows =
                 Ask<RowIdsReply>(*database.service,
                                  FindImagesRequest{TestBackbone(), {TestImage(image(number, 2))}});
             if (!rows.ok() || rows->rows[0] == kNoRow) return false;
             const auto batch =
                 AskForBatch(*database.service, ReadRowsRequest{TestBackbone(), rows->rows});
             return batch.ok() && batch->embeddings.row(0)[1] == TestValue(image(number, 2), 1);
           }});
}

TEST_F(StoreMemoryTest, KeepsTransformsThatWereAcknowledged) {
  const auto layers = [](uint64_t number) { return ScalingLayers(static_cast<float>(number), 0); };
  ExpectSoundWhicheverAllocationFails(
      {.prepare =
           [&](Database&, uint64_t number) {
             return ToFrame(AddRecordRequest{RecordKind::kTransform, fmt::format("t{}", number),
                                             Encode(TestTransform(layers(number))),
                                             layers(number).ToSafetensors()});
           },
       .is_there =
           [&](Database& database, uint64_t number) {
             const auto record = Ask<RecordReply>(
                 *database.service,
                 GetRecordRequest{RecordKind::kTransform, fmt::format("t{}", number), true});
             return record.ok() && record->blob == layers(number).ToSafetensors();
           }});
}

TEST_F(StoreMemoryTest, KeepsVersionsThatWereAcknowledged) {
  ExpectSoundWhicheverAllocationFails(
      {.prepare =
           [](Database& database, uint64_t number) {
             const auto draft = Ask<DraftReply>(
                 *database.service, BeginDraftRequest{fmt::format("c{}", number), TestBackbone(),
                                                      TestLabels(), true, "test"});
             const SampleChunk chunk = TestSamples({number, number + 1, number + 2});
             AUGSTORE_CHECK(
                 Ask<EndReply>(*database.service, AppendSamplesRequest{draft->draft, chunk}).ok());
             return ToFrame(CommitDraftRequest{draft->draft, 3});
           },
       .is_there =
           [](Database& database, uint64_t number) {
             const auto reply = Ask<SamplesReply>(
                 *database.service, GetSamplesRequest{fmt::format("c{}", number), 0, 10});
             return reply.ok() && reply->samples.keys.size() == 3;
           }});
}

}  // namespace
}  // namespace augstore
