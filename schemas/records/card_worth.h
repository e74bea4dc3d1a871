// Whether a card shows that its transform is worth applying: one rule for aliases and for names
// without a version.
#ifndef AUGSTORE_SCHEMAS_RECORDS_CARD_WORTH_H_
#define AUGSTORE_SCHEMAS_RECORDS_CARD_WORTH_H_

#include <string>
#include <vector>

#include "schemas/base/status.h"
#include "schemas/records/records.h"

namespace augstore {

// Errors: kFailedPrecondition, naming `ref` and its figures (no card; the 95 % interval of G on
// held-out pairs does not lie above `min_r2`).
Status CheckWorth(const std::string& ref, const Card& card, double min_r2);

// Whether CheckWorth holds for min_r2 0: the transform surely does better than leaving z as it is.
bool IsProven(const Card& card);

// "G 0.5102 [0.4712, 0.5433]" of held-out pairs, or "no card".
std::string WorthText(const Card& card);

// The proven version with the greatest G on held-out pairs, of equal ones the latest; null when
// none is proven. `Version` has a `record` with a card. REQUIRES: versions in ascending order.
template <typename Version>
const Version* BestProven(const std::vector<Version>& versions) {
  const Version* best = nullptr;
  for (const Version& version : versions) {
    const Card& card = version.record.card;
    if (!IsProven(card)) continue;
    const bool better =
        best == nullptr || card.entries.front().r2 >= best->record.card.entries.front().r2;
    if (better) best = &version;
  }
  return best;
}

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_RECORDS_CARD_WORTH_H_
