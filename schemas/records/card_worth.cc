#include "schemas/records/card_worth.h"

namespace augstore {

Status CheckWorth(const std::string& ref, const Card& card, double min_r2) {
  if (card.entries.empty()) {
    return FailedPrecondition(
        "{} has no card, so it is not known whether it is worth applying: measure it with "
        "`augstore "
        "transform eval --save`, or move the alias with --force",
        ref);
  }
  const CardEntry& entry = card.entries.front();
  if (entry.r2_low > min_r2) return OkStatus();
  return FailedPrecondition(
      "{} is not shown to be worth applying: G on {} pairs is {:.4f} with a 95 % interval of "
      "{:.4f} to {:.4f}, which does not lie above {:g}; train it on more images or as another "
      "family, or move the alias with --force",
      ref, entry.data, entry.r2, entry.r2_low, entry.r2_high, min_r2);
}

bool IsProven(const Card& card) { return CheckWorth("", card, 0).ok(); }

std::string WorthText(const Card& card) {
  if (card.entries.empty()) return "no card";
  const CardEntry& entry = card.entries.front();
  return fmt::format("G {:.4f} [{:.4f}, {:.4f}]", entry.r2, entry.r2_low, entry.r2_high);
}

}  // namespace augstore
