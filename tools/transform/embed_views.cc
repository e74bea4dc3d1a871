#include "tools/transform/embed_views.h"

#include <algorithm>
#include <utility>

namespace augstore {

Result<EmbeddedViews> EmbedViews(Database& database, LazyBackbone& backbone,
                                 std::span<const ImageItem> items,
                                 std::span<const std::optional<ImageOp>> ops,
                                 const EmbedViewsOptions& options) {
  AUGSTORE_CHECK(!ops.empty() && !(options.feature_maps && ops[0].has_value()));
  EmbeddedViews result;
  std::vector<std::vector<RowId>> rows;
  for (const std::optional<ImageOp>& op : ops) {
    const std::string label = options.label + (op ? ", " + op->text() : "");
    AUGSTORE_ASSIGN(EmbedOutcome outcome,
                    EmbedItems(database, backbone, items, op, label, options.show_progress));
    result.embedded += outcome.embedded;
    result.reused += outcome.reused;
    if (rows.empty()) result.skipped = std::move(outcome.skipped);
    rows.push_back(std::move(outcome.rows));
  }
  result.rows.resize(ops.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const auto absent = [i](const std::vector<RowId>& view) { return view[i] == kNoRow; };
    if (std::ranges::any_of(rows, absent)) continue;
    result.complete.push_back(i);
    for (size_t v = 0; v < ops.size(); ++v) result.rows[v].push_back(rows[v][i]);
  }
  if (result.complete.empty()) {
    return InvalidArgument("none of the {} images could be read, the first because: {}",
                           items.size(),
                           result.skipped.empty() ? "there are none" : result.skipped[0].reason);
  }
  for (const std::vector<RowId>& view : result.rows) {
    AUGSTORE_ASSIGN(Matrix matrix, FetchRows(database.client(), backbone.record(), view));
    result.views.push_back(std::move(matrix));
  }
  if (options.feature_maps) {
    AUGSTORE_ASSIGN(result.feature_maps,
                    FetchFeatureMaps(database.client(), backbone.record(), result.rows[0]));
  }
  return result;
}

}  // namespace augstore
