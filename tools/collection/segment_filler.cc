#include "tools/collection/segment_filler.h"

#include <algorithm>
#include <utility>

namespace augstore {
namespace {

Matrix RowsAt(Matrix matrix, const std::vector<size_t>& rows) {
  if (rows.size() == matrix.rows()) return matrix;
  Matrix chosen(rows.size(), matrix.cols());
  for (size_t i = 0; i < rows.size(); ++i) {
    std::ranges::copy(matrix.row(rows[i]), chosen.row(i).begin());
  }
  return chosen;
}

}  // namespace

bool SegmentFiller::Add(const ContentHash& hash, const ContentHash& source, Image image) {
  if (!rows_.emplace(hash, kNoRow).second) return false;
  hashes_.push_back(hash);
  sources_.push_back(source);
  images_.push_back(std::move(image));
  return true;
}

RowId SegmentFiller::Row(const ContentHash& hash) const {
  const auto found = rows_.find(hash);
  return found == rows_.end() ? kNoRow : found->second;
}

const std::string* SegmentFiller::Failure(const ContentHash& hash) const {
  const auto found = failures_.find(hash);
  return found == failures_.end() ? nullptr : &found->second;
}

Status SegmentFiller::Flush() {
  if (images_.empty()) return OkStatus();
  AUGSTORE_ASSIGN(Backbone * phi, backbone_->Load());
  Matrix embeddings(images_.size(), phi->dim());
  Matrix feature_maps;
  if (feature_maps_) feature_maps = Matrix(images_.size(), phi->feature_map().values());
  std::vector<std::string> failures(images_.size());
  AUGSTORE_TRY(phi->Embed(images_, embeddings.view(), feature_maps.view(), failures));
  AppendRowsRequest request{.backbone = backbone_->record().digest,
                            .images = {},
                            .embeddings = {},
                            .feature_maps = {},
                            .dtype = backbone_->dtype()};
  std::vector<size_t> good;
  for (size_t i = 0; i < failures.size(); ++i) {
    if (failures[i].empty()) {
      good.push_back(i);
      request.images.push_back(hashes_[i]);
      request.sources.push_back(sources_[i]);
    } else {
      failures_.emplace(hashes_[i], std::move(failures[i]));
    }
  }
  if (request.sources == request.images) request.sources.clear();
  hashes_.clear();
  sources_.clear();
  images_.clear();
  if (good.empty()) return OkStatus();
  request.embeddings = RowsAt(std::move(embeddings), good);
  if (feature_maps_) {
    feature_maps = RowsAt(std::move(feature_maps), good);
    request.feature_maps = QuantizeRows(std::as_const(feature_maps).view());
  }
  AUGSTORE_ASSIGN(const RowIdsReply reply, client_->Call<RowIdsReply>(request));
  if (reply.rows.size() != good.size())
    return Internal("the database stored another number of rows");
  for (size_t i = 0; i < good.size(); ++i) rows_[request.images[i]] = reply.rows[i];
  return OkStatus();
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): a unique_ptr owns it

}  // namespace augstore
