// augstore head predict: classes of stored samples, or of images.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <system_error>

#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "tools/collection/embedder.h"
#include "tools/head/head_predictor.h"

namespace augstore {
namespace {

struct PredictFlags {
  CommonFlags common;
  BackboneFlags backbone;
  std::string ref;
  std::string collection;
  std::string split;
  std::vector<SampleId> ids;
  std::string images;
  uint32_t top = 1;
  TestTimeFlags tta;
};

struct Guess {
  std::string name;
  float probability = 0;
};

// "a,b" -> "\"a,b\"", as RFC 4180 asks.
std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

// Writes predictions as they are made: CSV line by line, JSON at the end.
class Predictions {
 public:
  Predictions(const LoadedHead& head, HeadPredictor* predictor, const PredictFlags& flags)
      : head_(head),
        predictor_(predictor),
        json_(flags.common.json),
        top_(std::min<size_t>(flags.top, head.record.classes.size())) {}

  // keys[i] and ids[i] belong to embeddings.row(i).
  Status Add(const std::vector<std::string>& keys, std::span<const SampleId> ids,
             ConstMatrixView embeddings) {
    Matrix p(embeddings.rows, head_.record.classes.size());
    AUGSTORE_TRY(predictor_->Predict(embeddings, ids, p.view()));
    errno = 0;
    PrintHeader();
    for (size_t i = 0; i < keys.size(); ++i) Print(keys[i], Best(p.row(i)));
    return CheckOutput();
  }

  // Whoever reads has gone, as in `augstore head predict … | head`: there is nobody left to write
  // for.
  bool closed() const { return closed_; }

  void Finish(const std::string& source) {
    PrintHeader();
    if (!json_) return;
    Json json = {{"head", head_.ref}, {"source", source}};
    if (!predictor_->policy().empty())
      json.update({{"tta", predictor_->policy()}, {"views", predictor_->views()}});
    json["predictions"] = std::move(list_);
    PrintJson(json);
  }

 private:
  // Not before the first row: an error shall leave standard output empty.
  void PrintHeader() {
    if (!json_ && !header_printed_) std::fputs("key,class,probability\n", stdout);
    header_printed_ = true;
  }

  Status CheckOutput() {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return OkStatus();
    closed_ = errno == EPIPE;
    if (closed_) return OkStatus();
    return Unavailable("standard output cannot be written: {}",
                       std::generic_category().message(errno));
  }

  std::vector<Guess> Best(std::span<const float> p) const {
    std::vector<size_t> order(p.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(top_), order.end(),
                      [p](size_t a, size_t b) { return p[a] != p[b] ? p[a] > p[b] : a < b; });
    std::vector<Guess> guesses;
    for (size_t k = 0; k < top_; ++k)
      guesses.push_back({head_.record.classes[order[k]], p[order[k]]});
    return guesses;
  }

  void Print(const std::string& key, const std::vector<Guess>& guesses) {
    if (!json_) {
      for (const Guess& guess : guesses) {
        const std::string line =
            fmt::format("{},{},{:.6f}\n", CsvField(key), CsvField(guess.name), guess.probability);
        std::fwrite(line.data(), 1, line.size(), stdout);
      }
      return;
    }
    Json entry = {
        {"key", key}, {"class", guesses[0].name}, {"probability", guesses[0].probability}};
    if (guesses.size() > 1) {
      for (const Guess& guess : guesses) {
        entry["top"].push_back({{"class", guess.name}, {"probability", guess.probability}});
      }
    }
    list_.push_back(std::move(entry));
  }

  const LoadedHead& head_;
  HeadPredictor* predictor_;
  bool json_;
  size_t top_;
  Json list_ = Json::array();
  bool header_printed_ = false;
  bool closed_ = false;
};

struct Chosen {
  std::vector<SampleId> ids;
  std::vector<std::string> keys;
};

// The samples of chunk [begin, …) that the flags ask for.
Chosen ChooseFrom(const SampleChunk& chunk, SampleId begin, const PredictFlags& flags) {
  Chosen chosen;
  for (size_t i = 0; i < chunk.size(); ++i) {
    if (!flags.split.empty() && chunk.split_names.at(chunk.splits[i]) != flags.split) continue;
    chosen.ids.push_back(begin + i);
    chosen.keys.push_back(chunk.keys[i]);
  }
  return chosen;
}

Status PredictChosen(Client& client, const std::string& collection, const Chosen& chosen,
                     Predictions* predictions) {
  if (chosen.ids.empty()) return OkStatus();
  const QueryRequest request{
      .collection = collection, .samples = chosen.ids, .chain = "identity", .label_column = ""};
  AUGSTORE_ASSIGN(const Batch batch, client.CallForBatch(request));
  if (batch.size() != chosen.ids.size()) {
    return Internal("the database answered with {} rows for {} samples of {}", batch.size(),
                    chosen.ids.size(), collection);
  }
  return predictions->Add(chosen.keys, chosen.ids, batch.embeddings);
}

Status PredictIds(Client& client, const Versioned<CollectionRecord>& collection,
                  const PredictFlags& flags, Predictions* predictions) {
  Chosen chosen;
  for (const SampleId id : flags.ids) {
    if (id >= collection.record.samples) {
      return NotFound("--ids: {} has no sample {}: its samples are 0 .. {}", collection.ref(), id,
                      collection.record.samples - 1);
    }
    const GetSamplesRequest request{.collection = collection.ref(), .begin = id, .count = 1};
    AUGSTORE_ASSIGN(const SamplesReply reply, client.Call<SamplesReply>(request));
    if (reply.samples.size() != 1) return Internal("the database gave no sample {}", id);
    chosen.ids.push_back(id);
    chosen.keys.push_back(reply.samples.keys[0]);
  }
  return PredictChosen(client, collection.ref(), chosen, predictions);
}

Status PredictAll(Client& client, const Versioned<CollectionRecord>& collection,
                  const PredictFlags& flags, Predictions* predictions) {
  for (SampleId begin = 0; begin < collection.record.samples; begin += kSampleChunkRows) {
    const GetSamplesRequest request{
        .collection = collection.ref(), .begin = begin, .count = kSampleChunkRows};
    AUGSTORE_ASSIGN(const SamplesReply reply, client.Call<SamplesReply>(request));
    AUGSTORE_TRY(PredictChosen(client, collection.ref(), ChooseFrom(reply.samples, begin, flags),
                               predictions));
    if (predictions->closed()) break;
    if (Interrupted()) return InterruptedStatus("predicting changes nothing: run it again");
  }
  return OkStatus();
}

Status PredictCollection(Database& database, const LoadedHead& head, const PredictFlags& flags) {
  Client& client = database.client();
  AUGSTORE_ASSIGN(const auto collection, client.Get<CollectionRecord>(flags.collection));
  AUGSTORE_TRY(
      CheckBackbone(client, head, collection.record.backbone, "collection " + collection.ref()));
  AUGSTORE_TRY(CheckSplit(collection, "--split", flags.split));
  AUGSTORE_ASSIGN(const auto predictor, HeadPredictor::Open(client, head, flags.tta));
  Predictions predictions(head, predictor.get(), flags);
  if (flags.ids.empty()) {
    AUGSTORE_TRY(PredictAll(client, collection, flags, &predictions));
  } else {
    AUGSTORE_TRY(PredictIds(client, collection, flags, &predictions));
  }
  predictions.Finish(collection.ref());
  return OkStatus();
}

Status PredictImages(Database& database, const LoadedHead& head, const PredictFlags& flags) {
  AUGSTORE_ASSIGN(const ImageSource source, ListImages(flags.images));
  // Before Open, which would load and register a backbone that this head has no use for.
  AUGSTORE_ASSIGN(const Digest digest, Sha256File(flags.backbone.file));
  AUGSTORE_TRY(CheckBackbone(database.client(), head, digest, "--backbone " + flags.backbone.file));
  AUGSTORE_ASSIGN(const auto predictor, HeadPredictor::Open(database.client(), head, flags.tta));
  AUGSTORE_ASSIGN(const auto backbone,
                  LazyBackbone::Open(flags.backbone, database.client(), !flags.common.quiet));
  AUGSTORE_ASSIGN(
      const EmbedOutcome outcome,
      EmbedItems(database, *backbone, source.items, std::nullopt, "embed", !flags.common.quiet));
  PrintSkipped(outcome);
  std::vector<RowId> rows;
  std::vector<std::string> keys;
  for (size_t i = 0; i < source.items.size(); ++i) {
    if (outcome.rows[i] == kNoRow) continue;
    rows.push_back(outcome.rows[i]);
    keys.push_back(source.items[i].key);
  }
  if (rows.empty()) {
    return InvalidArgument("none of the {} images in {} could be read", source.items.size(),
                           flags.images);
  }
  AUGSTORE_ASSIGN(const Matrix embeddings, FetchRows(database.client(), backbone->record(), rows));
  std::vector<SampleId> ids(keys.size());
  std::iota(ids.begin(), ids.end(), SampleId{0});
  Predictions predictions(head, predictor.get(), flags);
  AUGSTORE_TRY(predictions.Add(keys, ids, embeddings.view()));
  predictions.Finish(flags.images);
  return OkStatus();
}

Status Predict(const PredictFlags& flags) {
  if (flags.collection.empty() == flags.images.empty()) {
    return InvalidArgument(
        "say what to classify: either --collection, or --images with --backbone");
  }
  if (!flags.images.empty() && flags.backbone.file.empty()) {
    return InvalidArgument(
        "--images need --backbone: the file of the backbone that the head was trained on");
  }
  if (!flags.images.empty() && (!flags.split.empty() || !flags.ids.empty())) {
    return InvalidArgument(
        "--split and --ids choose samples of a --collection; --images takes all of a folder");
  }
  if (flags.ids.size() > kMaxBatchRows) {
    return InvalidArgument("--ids names {} samples, and at most {} are possible: use --split",
                           flags.ids.size(), kMaxBatchRows);
  }
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common));
  AUGSTORE_ASSIGN(const LoadedHead head, LoadHead(database->client(), flags.ref));
  return flags.images.empty() ? PredictCollection(*database, head, flags)
                              : PredictImages(*database, head, flags);
}

void AddFlags(Command* command, PredictFlags* flags) {
  AddBackboneFlags(command, &flags->backbone);
  command->GetFlag("--backbone").Required(false);
  command->AddFlag("head", &flags->ref, "name or name@version").Required();
  command->AddFlag("--collection", &flags->collection, "Collection, such as cifar10 or cifar10@2");
  command->AddFlag("--split", &flags->split, "One split (default: all samples)");
  command->AddFlag("--ids", &flags->ids, "Sample numbers, separated by commas");
  command->AddFlag("--images", &flags->images, "Folder, CIFAR file or CSV manifest");
  AddTestTimeFlags(command, &flags->tta);
  command->AddFlag("--top", &flags->top, "How many classes for each, best first")
      .Range(1u, kMaxClasses);
}

}  // namespace

void AddHeadPredictCommand(Command* group) {
  AddCommand<PredictFlags>(
      group, "predict", "Classify stored samples or images: CSV of key,class,probability, or JSON",
      "augstore head predict cifar10@3 --collection cifar10 --split test --top 3 --store db\n"
      "  augstore head predict cifar10@3 --images photos --backbone backbone.pt --store db --json\n"
      "  augstore head predict cifar10@3 --collection cifar10 --tta trained --store db",
      AddFlags, Predict);
}

}  // namespace augstore
