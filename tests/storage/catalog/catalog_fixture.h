// A catalog on a memory store with one backbone of dim 4 and some embeddings; short ways to write
// collections.
#ifndef AUGSTORE_TESTS_STORAGE_CATALOG_CATALOG_FIXTURE_H_
#define AUGSTORE_TESTS_STORAGE_CATALOG_CATALOG_FIXTURE_H_

#include <gtest/gtest.h>

#include "storage/catalog/catalog.h"
#include "storage/store/memory_store.h"
#include "tests/support/embeddings.h"

namespace augstore {

inline constexpr uint32_t kTestDim = 4;

class CatalogFixture : public testing::Test {
 protected:
  void SetUp() override {
    store_ = NewMemoryStore();
    Reopen();
    space_ = store_->OpenSpace(backbone_, kTestDim).value();
    rows_ = AppendOk(store_.get(), space_, TestImages(0, 300), TestEmbeddings(300, kTestDim, 1));
  }
  // Another process opens the store. `step` 0: every call does the least.
  void Reopen(std::chrono::milliseconds step = kDraftStep) {
    auto catalog = Catalog::Open(store_.get(), step);
    ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
    catalog_ = std::move(catalog).value();
  }

  DraftSpec Request(const std::string& name, std::vector<std::string> classes = {"cat", "dog"}) {
    DraftSpec request;
    request.collection = name;
    request.backbone = backbone_;
    request.labels = {{"label", std::move(classes)}};
    request.source = "a test";
    return request;
  }
  // `count` samples "<first>", "<first + 1>", … of one split; sample i has image i and label i % 2.
  SampleChunk Samples(size_t first, size_t count, const std::string& split = "train") {
    SampleChunk chunk;
    chunk.split_names = {split};
    chunk.labels.resize(1);
    for (size_t i = first; i < first + count; ++i) {
      chunk.images.push_back(TestImage(i % rows_.size()));
      chunk.splits.push_back(0);
      chunk.labels[0].push_back(static_cast<int32_t>(i % 2));
      chunk.keys.push_back(std::to_string(i));
    }
    return chunk;
  }
  Result<Versioned<CollectionRecord>> Commit(const DraftSpec& request,
                                             const std::vector<SampleChunk>& chunks) {
    AUGSTORE_ASSIGN(const OpenDraft draft, catalog_->BeginDraft(request));
    size_t appended = 0;
    for (const SampleChunk& chunk : chunks) {
      AUGSTORE_TRY(catalog_->AppendSamples(draft.draft, chunk));
      appended += chunk.size();
    }
    return Finish(draft.draft, appended);
  }
  // Commits a draft, in as many calls as it takes.
  Result<Versioned<CollectionRecord>> Finish(uint32_t draft, uint64_t appended) {
    for (;;) {
      AUGSTORE_ASSIGN(CommitOutcome outcome, catalog_->CommitDraft(draft, appended));
      if (auto* made = std::get_if<Versioned<CollectionRecord>>(&outcome)) return std::move(*made);
    }
  }
  Result<DraftChanges> Compare(uint32_t draft) {
    for (;;) {
      AUGSTORE_ASSIGN(CompareOutcome outcome, catalog_->CompareDraft(draft));
      if (auto* changes = std::get_if<DraftChanges>(&outcome)) return std::move(*changes);
    }
  }
  Versioned<CollectionRecord> CommitOk(const std::string& name, const SampleChunk& chunk) {
    auto committed = Commit(Request(name), {chunk});
    EXPECT_TRUE(committed.ok()) << committed.status().ToString();
    return committed.ok() ? *committed : Versioned<CollectionRecord>();
  }

  static Layers Affine(uint32_t in, uint32_t out) {
    Layer layer;
    layer.shape = {in, out, Activation::kNone, false};
    layer.weight.assign(size_t{in} * out, 0.5f);
    layer.bias.assign(out, 1.0f);
    return Layers{{layer}};
  }
  TransformRecord Transform() {
    TransformRecord record;
    record.backbone = backbone_;
    record.dim = kTestDim;
    record.family = "affine";
    return record;
  }
  HeadRecord Head() {
    HeadRecord record;
    record.backbone = backbone_;
    record.dim = kTestDim;
    record.arch = "linear";
    record.classes = {"cat", "dog", "cow"};
    return record;
  }

  Digest backbone_ = TestDigest(1);
  std::unique_ptr<Store> store_;
  std::unique_ptr<Catalog> catalog_;
  SpaceId space_ = 0;
  std::vector<RowId> rows_;
};

inline bool Mentions(const Status& status, std::string_view text) {
  return status.message().find(text) != std::string::npos;
}

}  // namespace augstore

#endif  // AUGSTORE_TESTS_STORAGE_CATALOG_CATALOG_FIXTURE_H_
