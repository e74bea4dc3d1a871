// A request of each kind, by the role that it needs.
#ifndef AUGSTORE_TESTS_SERVER_ACCESS_ACCESS_REQUESTS_H_
#define AUGSTORE_TESTS_SERVER_ACCESS_ACCESS_REQUESTS_H_

#include <functional>
#include <map>
#include <string>

#include "tests/support/ask.h"
#include "tests/support/serving.h"

namespace augstore::access_requests {

// What requests name: a collection, a draft and the one who asks.
struct Target {
  std::string collection;
  uint32_t draft = 0;
};

using MakeRequest = std::function<Frame(const Target&)>;
using T = const Target&;

inline std::map<std::string, MakeRequest> RequestsOfReaders() {
  return {
      {"ServerInfo", [](T) { return ToFrame(ServerInfoRequest{}); }},
      {"Stats", [](T) { return ToFrame(StatsRequest{}); }},
      {"ShareMemory", [](T) { return ToFrame(ShareMemoryRequest{}); }},
      {"SetTrace", [](T) { return ToFrame(SetTraceRequest{}); }},
      {"ListRecords",
       [](T) {
         return ToFrame(ListRecordsRequest{RecordKind::kCollection, ""});
       }},
      {"Browse", [](T) { return ToFrame(BrowseRequest{}); }},
      {"GetRecord",
       [](T t) {
         return ToFrame(GetRecordRequest{RecordKind::kCollection, t.collection, false});
       }},
      {"GetSamples",
       [](T t) {
         return ToFrame(GetSamplesRequest{t.collection + "@1", 0, 1});
       }},
      {"DescribeCollection",
       [](T t) {
         return ToFrame(DescribeCollectionRequest{t.collection, ""});
       }},
      {"Project", [](T t) { return ToFrame(ProjectRequest{.collection = t.collection}); }},
      {"Query",
       [](T t) {
         return ToFrame(QueryRequest{t.collection, {1}, "", ""});
       }},
      {"OpenStream", [](T t) { return ToFrame(OpenStreamRequest{{.collection = t.collection}}); }},
      {"Batches",
       [](T t) {
         return ToFrame(BatchesRequest{{.collection = t.collection}, {}, 0, 0, 1});
       }},
      {"ReadRows",
       [](T) {
         return ToFrame(ReadRowsRequest{TestBackbone(), {1}, false});
       }},
  };
}

inline Frame AppendOneRow(T) {
  AppendRowsRequest request;
  request.backbone = TestBackbone();
  request.images = {TestImage(1)};
  request.embeddings = TestEmbeddings(1, 1);
  return ToFrame(request);
}

inline Frame MoveAlias(const std::string& collection, bool force) {
  return ToFrame(SetAliasRequest{RecordKind::kCollection, collection, "best", 1, "", 0, force});
}

inline std::map<std::string, MakeRequest> RequestsOfWriters() {
  const std::string phi = Encode(TestBackboneRecord());
  return {
      {"FindImages",
       [](T) {
         return ToFrame(FindImagesRequest{TestBackbone(), {TestImage(1)}});
       }},
      {"AppendRows", AppendOneRow},
      {"AddRecord",
       [phi](T) {
         return ToFrame(AddRecordRequest{RecordKind::kBackbone, "phi", phi, ""});
       }},
      {"SetAlias", [](T t) { return MoveAlias(t.collection, false); }},
      {"SetAlias by force", [](T t) { return MoveAlias(t.collection, true); }},
      {"BeginDraft",
       [](T t) {
         return ToFrame(
             BeginDraftRequest{t.collection, TestBackbone(), TestLabels(), true, "test"});
       }},
      {"AppendSamples",
       [](T t) {
         return ToFrame(AppendSamplesRequest{t.draft, TestSamples({0, 1})});
       }},
      {"AppendViews",
       [](T t) {
         return ToFrame(AppendViewsRequest{t.draft, 0, {TestImage(0)}});
       }},
      {"CompareDraft", [](T t) { return ToFrame(CompareDraftRequest{t.draft}); }},
      {"CommitDraft",
       [](T t) {
         return ToFrame(CommitDraftRequest{t.draft, 77});
       }},
      {"AbortDraft", [](T t) { return ToFrame(AbortDraftRequest{t.draft}); }},
  };
}

inline std::map<std::string, MakeRequest> RequestsOfAdmins() {
  return {
      {"DeleteRecord",
       [](T t) {
         return ToFrame(DeleteRecordRequest{RecordKind::kCollection, t.collection + "@9"});
       }},
      {"Verify", [](T) { return ToFrame(VerifyRequest{}); }},
      {"RepairRows", [](T) { return ToFrame(RepairRowsRequest{}); }},
      {"Garbage", [](T) { return ToFrame(GarbageRequest{}); }},
      {"EraseSample",
       [](T t) {
         return ToFrame(EraseSampleRequest{0, {t.collection, "", "0", "", true}});
       }},
      {"StopStream", [](T) { return ToFrame(StopStreamRequest{99}); }},
      {"ReadAudit", [](T) { return ToFrame(ReadAuditRequest{}); }},
      {"Config", [](T) { return ToFrame(ConfigRequest{}); }},
      {"CreateKey",
       [](T) {
         return ToFrame(CreateKeyRequest{Role::kRead, "", 0, ""});
       }},
      {"ListKeys", [](T) { return ToFrame(ListKeysRequest{}); }},
      {"RevokeKey", [](T) { return ToFrame(RevokeKeyRequest{"nobody"}); }},
      {"RotateKey",
       [](T) {
         return ToFrame(RotateKeyRequest{"nobody", 0});
       }},
      {"StartBackup",
       [](T) {
         return ToFrame(StartBackupRequest{1, "", 0});
       }},
      {"GetBackup", [](T) { return ToFrame(GetBackupRequest{1}); }},
      {"StopBackup", [](T) { return ToFrame(StopBackupRequest{1}); }},
      {"ListBackups",
       [](T) {
         return ToFrame(ListBackupsRequest{"", 0});
       }},
  };
}

}  // namespace augstore::access_requests

#endif  // AUGSTORE_TESTS_SERVER_ACCESS_ACCESS_REQUESTS_H_
