// The records that describe weights: transforms and heads.
#include "schemas/records/codec.h"
#include "schemas/records/record_codec.h"
#include "schemas/records/records.h"

namespace augstore {
namespace {

using codec::Builder;
using codec::Offset;
using codec::Reader;
using codec::VectorOf;

Offset<VectorOf<Offset<fb::records::LayerShape>>> PutLayers(Builder& b,
                                                            const std::vector<LayerShape>& layers) {
  std::vector<Offset<fb::records::LayerShape>> shapes;
  shapes.reserve(layers.size());
  for (const LayerShape& layer : layers) {
    shapes.push_back(fb::records::CreateLayerShape(
        b, layer.in, layer.out, static_cast<uint8_t>(layer.activation), layer.residual,
        static_cast<uint8_t>(layer.kind)));
  }
  return b.PutTables(shapes);
}

std::vector<LayerShape> ReadLayers(Reader& in,
                                   const VectorOf<Offset<fb::records::LayerShape>>* layers) {
  std::vector<LayerShape> result;
  if (layers == nullptr || !in.AtMost("layers", layers->size(), kMaxLayers)) return result;
  for (const auto* layer : *layers) {
    if (layer->activation() > static_cast<uint8_t>(Activation::kRelu))
      in.Fail("layers.activation",
              fmt::format("is {}, which is no activation", layer->activation()));
    if (layer->kind() > static_cast<uint8_t>(LayerKind::kDiagonal))
      in.Fail("layers.kind", fmt::format("is {}, which is no kind of layer", layer->kind()));
    in.AtMost("layers.in", layer->in(), kMaxDim);
    in.AtMost("layers.out", layer->out(), kMaxDim);
    result.push_back({layer->in(), layer->out(), Activation{layer->activation()}, layer->residual(),
                      LayerKind{layer->kind()}});
  }
  return result;
}

Offset<VectorOf<Offset<fb::records::CardCandidate>>> PutCandidates(
    Builder& b, const std::vector<CardCandidate>& candidates) {
  std::vector<Offset<fb::records::CardCandidate>> tables;
  for (const CardCandidate& candidate : candidates) {
    const auto family = b.PutText(candidate.family);
    const auto notes = b.PutText(candidate.notes);
    tables.push_back(fb::records::CreateCardCandidate(
        b, family, candidate.r2, candidate.r2_low, candidate.r2_high, candidate.mse,
        candidate.multiply_adds, candidate.train_seconds, notes));
  }
  return b.PutTables(tables);
}

Offset<fb::records::Card> PutCard(Builder& b, const Card& card) {
  std::vector<Offset<fb::records::CardEntry>> rows;
  for (const CardEntry& entry : card.entries) {
    const auto data = b.PutText(entry.data);
    rows.push_back(fb::records::CreateCardEntry(
        b, data, entry.pairs, entry.mse, entry.identity_mse, entry.r2, entry.cosine_before,
        entry.cosine_after, entry.dispersion, entry.r2_low, entry.r2_high, entry.retrieval_pool,
        entry.mrr, entry.hit1, entry.hit5));
  }
  const auto entries = b.PutTables(rows);
  const auto notes = b.PutText(card.notes);
  const auto candidates = PutCandidates(b, card.candidates);
  std::vector<Offset<fb::records::CardMeasure>> values;
  for (const CardMeasure& measure : card.measures) {
    values.push_back(fb::records::CreateCardMeasure(b, b.PutText(measure.name), measure.value));
  }
  const auto measures = b.PutTables(values);
  return fb::records::CreateCard(b, entries, card.train_pairs, card.seed, card.train_seconds,
                                 card.multiply_adds, notes, candidates, measures);
}

void ReadCandidates(Reader& in, const fb::records::Card& t, Card* card) {
  if (t.candidates() == nullptr ||
      !in.AtMost("card.candidates", t.candidates()->size(), kMaxCardEntries))
    return;
  for (const auto* candidate : *t.candidates()) {
    card->candidates.push_back(
        {in.Text("card.candidates.family", candidate->family(), kMaxNameBytes), candidate->r2(),
         candidate->r2_low(), candidate->r2_high(), candidate->mse(), candidate->multiply_adds(),
         candidate->train_seconds(),
         in.Text("card.candidates.notes", candidate->notes(), kMaxTextBytes)});
  }
}

void ReadMeasures(Reader& in, const fb::records::Card& t, Card* card) {
  if (t.measures() == nullptr || !in.AtMost("card.measures", t.measures()->size(), kMaxCardEntries))
    return;
  for (const auto* measure : *t.measures()) {
    card->measures.push_back(
        {in.Text("card.measures.name", measure->name(), kMaxNameBytes), measure->value()});
  }
}

Card ReadCard(Reader& in, const fb::records::Card& t) {
  Card card;
  card.train_pairs = t.train_pairs();
  card.seed = t.seed();
  card.train_seconds = t.train_seconds();
  card.multiply_adds = t.multiply_adds();
  card.notes = in.Text("card.notes", t.notes(), kMaxTextBytes);
  ReadCandidates(in, t, &card);
  ReadMeasures(in, t, &card);
  if (t.entries() == nullptr || !in.AtMost("card.entries", t.entries()->size(), kMaxCardEntries))
    return card;
  for (const auto* row : *t.entries()) {
    card.entries.push_back({in.Text("card.entries.data", row->data(), kMaxTextBytes), row->pairs(),
                            row->mse(), row->identity_mse(), row->r2(), row->cosine_before(),
                            row->cosine_after(), row->dispersion(), row->r2_low(), row->r2_high(),
                            row->retrieval_pool(), row->mrr(), row->hit1(), row->hit5()});
  }
  return card;
}

Offset<fb::records::HeadLineage> PutLineage(Builder& b, const HeadLineage& lineage) {
  const auto collection = b.PutText(lineage.collection);
  const auto collection_digest = b.PutDigest(lineage.collection_digest);
  const auto split = b.PutText(lineage.split);
  const auto policy = b.PutText(lineage.policy);
  const auto transforms = b.PutDigests(lineage.transforms);
  const auto label_column = b.PutText(lineage.label_column);
  const auto optimizer = b.PutText(lineage.optimizer);
  const auto init = b.PutText(lineage.init);
  return fb::records::CreateHeadLineage(
      b, collection, collection_digest, split, policy, transforms, label_column, lineage.seed,
      lineage.epochs, lineage.batch_size, optimizer, lineage.learning_rate, lineage.weight_decay,
      lineage.stream_seed, init, lineage.shuffle_window, static_cast<uint8_t>(lineage.dtype),
      static_cast<uint8_t>(lineage.precision));
}

HeadLineage ReadLineage(Reader& in, const fb::records::HeadLineage& t) {
  HeadLineage lineage;
  lineage.collection = in.Text("lineage.collection", t.collection(), kMaxRefBytes);
  lineage.collection_digest = in.OneDigest("lineage.collection_digest", t.collection_digest());
  lineage.split = in.Text("lineage.split", t.split(), kMaxKeyBytes);
  lineage.policy = in.Text("lineage.policy", t.policy(), kMaxTextBytes);
  lineage.transforms =
      in.Digests("lineage.transforms", t.transforms(), size_t{kMaxChains} * kMaxChainLength);
  lineage.label_column = in.Text("lineage.label_column", t.label_column(), kMaxKeyBytes);
  lineage.seed = t.seed();
  lineage.epochs = t.epochs();
  lineage.batch_size = t.batch_size();
  lineage.optimizer = in.Text("lineage.optimizer", t.optimizer(), kMaxTextBytes);
  lineage.learning_rate = t.learning_rate();
  lineage.weight_decay = t.weight_decay();
  lineage.stream_seed = t.stream_seed();
  lineage.init = in.Text("lineage.init", t.init(), kMaxRefBytes);
  lineage.shuffle_window = t.shuffle_window();
  lineage.dtype = in.OneDtype("lineage.dtype", t.dtype());
  lineage.precision = in.OnePrecision("lineage.precision", t.precision());
  return lineage;
}

}  // namespace

std::string Encode(const TransformRecord& record) {
  Builder b;
  const auto backbone = b.PutDigest(record.backbone);
  const auto op = b.PutText(record.op);
  const auto family = b.PutText(record.family);
  const auto layers = PutLayers(b, record.layers);
  const auto weights = b.PutDigest(record.weights);
  const auto card = PutCard(b, record.card);
  return b.SealRecord(fb::records::CreateTransform(
                          b, codec::kRecordFormat, backbone, record.dim, op, family, layers,
                          weights, card, record.created_unix_s, record.feature_map.height,
                          record.feature_map.width, record.feature_map.channels),
                      "AGRT");
}

template <>
Result<TransformRecord> Decode(std::string_view bytes) {
  TransformRecord record;
  Reader in = codec::RecordReader("transform record", bytes);
  if (const auto* t = in.Root<fb::records::Transform>("AGRT")) {
    codec::ReadFormat(in, *t);
    record.backbone = in.OneDigest("backbone", t->backbone());
    record.dim = t->dim();
    in.AtMost("dim", record.dim, kMaxDim);
    record.op = in.Text("op", t->op(), kMaxTextBytes);
    record.family = in.Text("family", t->family(), kMaxNameBytes);
    record.layers = ReadLayers(in, t->layers());
    record.weights = in.OneDigest("weights", t->weights());
    if (in.Present("card", t->card())) record.card = ReadCard(in, *t->card());
    record.created_unix_s = t->created_unix_s();
    record.feature_map = codec::ReadFeatureMapShape(in, *t);
  }
  AUGSTORE_TRY(in.status());
  return record;
}

std::string Encode(const HeadRecord& record) {
  Builder b;
  const auto backbone = b.PutDigest(record.backbone);
  const auto arch = b.PutText(record.arch);
  const auto classes = b.PutTexts(record.classes);
  const auto layers = PutLayers(b, record.layers);
  const auto weights = b.PutDigest(record.weights);
  const auto lineage = PutLineage(b, record.lineage);
  const auto test_split = b.PutText(record.test_split);
  return b.SealRecord(fb::records::CreateHead(b, codec::kRecordFormat, backbone, record.dim, arch,
                                              classes, layers, weights, lineage, record.train_loss,
                                              record.test_accuracy, record.test_loss, test_split,
                                              record.test_samples, record.created_unix_s),
                      "AGRH");
}

template <>
Result<HeadRecord> Decode(std::string_view bytes) {
  HeadRecord record;
  Reader in = codec::RecordReader("head record", bytes);
  if (const auto* t = in.Root<fb::records::Head>("AGRH")) {
    codec::ReadFormat(in, *t);
    record.backbone = in.OneDigest("backbone", t->backbone());
    record.dim = t->dim();
    in.AtMost("dim", record.dim, kMaxDim);
    record.arch = in.Text("arch", t->arch(), kMaxTextBytes);
    record.classes = in.Texts("classes", t->classes(), kMaxClasses, kMaxKeyBytes);
    record.layers = ReadLayers(in, t->layers());
    record.weights = in.OneDigest("weights", t->weights());
    if (in.Present("lineage", t->lineage())) record.lineage = ReadLineage(in, *t->lineage());
    record.train_loss = t->train_loss();
    record.test_accuracy = t->test_accuracy();
    record.test_loss = t->test_loss();
    record.test_split = in.Text("test_split", t->test_split(), kMaxKeyBytes);
    record.test_samples = t->test_samples();
    record.created_unix_s = t->created_unix_s();
  }
  AUGSTORE_TRY(in.status());
  return record;
}

}  // namespace augstore
