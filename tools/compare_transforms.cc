// The transforms of a comparison: one for every op and family.
#include <filesystem>

#include "tools/compare.h"
#include "tools/progress.h"
#include "tools/transform_training.h"

namespace augstore {
namespace {

// Versions of one op's families stand under one name, and an alias says which is which:
// vflip@affine, vflip@mlp.
std::string TransformName(const std::string& op) {
  std::string name;
  for (const char c : op) {
    if (c != '(' && c != ')' && c != ',') name += c;
  }
  return name;
}

// The number of pairs that a card was made from, held-out part included: with it an earlier run's
// transform is recognised.
uint64_t PairsOf(const Card& card) {
  return card.train_pairs + (card.entries.empty() ? 0 : card.entries[0].pairs);
}

std::optional<CompareTransform> FindTrained(
    const std::vector<Client::Versioned<TransformRecord>>& known, const CompareTransform& wanted,
    const Digest& backbone, uint64_t pairs) {
  for (auto entry = known.rbegin(); entry != known.rend(); ++entry) {
    const TransformRecord& record = entry->record;
    if (record.backbone == backbone && record.op == wanted.op && record.family == wanted.family &&
        PairsOf(record.card) == pairs && record.card.entries.size() == 2) {
      return CompareTransform{wanted.op, wanted.family, entry->ref(), record.card};
    }
  }
  return std::nullopt;
}

class TransformMaker {
 public:
  TransformMaker(const CompareFlags& flags, Database& database, LazyBackbone& backbone,
                 const CompareData& data)
      : flags_(flags), database_(database), backbone_(backbone), data_(data) {}

  Status MakeAll(const std::string& op_text, std::vector<CompareTransform>* out) {
    AUGSTORE_ASSIGN(const ImageOp op, ImageOp::Parse(op_text));
    const bool show = !flags_.common.quiet;
    AUGSTORE_ASSIGN(const Pairs pairs, MakePairs(database_, backbone_, data_.base, op, show));
    AUGSTORE_ASSIGN(const Pairs check, MakePairs(database_, backbone_, data_.test, op, show));
    for (const std::string& family : flags_.families) {
      AUGSTORE_ASSIGN(CompareTransform made, MakeOne(op, family, pairs, check));
      out->push_back(std::move(made));
    }
    return OkStatus();
  }

 private:
  Result<CompareTransform> MakeOne(const ImageOp& op, const std::string& family, const Pairs& pairs,
                                   const Pairs& check) {
    Client& client = database_.client();
    const std::string name = TransformName(op.text());
    CompareTransform wanted{op.text(), family, "", {}};
    AUGSTORE_ASSIGN(const auto known, client.List<TransformRecord>(RecordKind::kTransform, name));
    if (auto found = FindTrained(known, wanted, backbone_.record().digest, pairs.z.rows()))
      return *found;

    TransformTrainOptions options;
    options.family = family;
    AUGSTORE_ASSIGN(TrainedTransform trained, Train(name, options, pairs));
    AUGSTORE_ASSIGN(CardEntry entry,
                    CheckTransform(std::filesystem::path(flags_.test).filename().string(),
                                   trained.layers, check));
    trained.card.entries.push_back(std::move(entry));
    AUGSTORE_ASSIGN(const uint32_t version,
                    RegisterTransform(client, name, backbone_.record(), op.text(), family,
                                      trained.layers, trained.card));
    AUGSTORE_TRY(
        client.SetAlias(RecordKind::kTransform, name, family, version, "trained by compare"));
    wanted.ref = name + "@" + std::to_string(version);
    wanted.card = trained.card;
    return wanted;
  }

  Result<TrainedTransform> Train(const std::string& name, const TransformTrainOptions& options,
                                 const Pairs& pairs) const {
    Progress progress("transform " + name + " (" + options.family + ")", "epochs",
                      options.max_epochs, !flags_.common.quiet);
    Result<TrainedTransform> trained = TrainTransform(
        pairs.z.view(), pairs.z_target.view(), options, [&progress](const TransformProgress& at) {
          progress.Update(at.epoch, fmt::format("G {:.3f}", at.explained));
          return !Interrupted();
        });
    if (Interrupted())
      return InterruptedStatus("embeddings are stored: run the same command again to go on");
    return trained;
  }

  const CompareFlags& flags_;
  Database& database_;
  LazyBackbone& backbone_;
  const CompareData& data_;
};

}  // namespace

Result<std::vector<CompareTransform>> PrepareTransforms(const CompareFlags& flags,
                                                        Database& database, LazyBackbone& backbone,
                                                        const CompareData& data) {
  TransformMaker maker(flags, database, backbone, data);
  std::vector<CompareTransform> transforms;
  for (const std::string& op : flags.ops) AUGSTORE_TRY(maker.MakeAll(op, &transforms));
  return transforms;
}

}  // namespace augstore
