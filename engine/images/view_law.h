// Which view a law draws for an image: a function of the law, the seed, the number of the view and
// the image alone, so that it is the same in every collection, version and order.
#ifndef AUGSTORE_ENGINE_IMAGES_VIEW_LAW_H_
#define AUGSTORE_ENGINE_IMAGES_VIEW_LAW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/images/image_ops.h"
#include "engine/images/op_pattern.h"
#include "schemas/records/records.h"

namespace augstore {

// A view set whose law is understood. Immutable.
class ViewLaw {
 public:
  // Errors: those of OpPattern::Parse; kInvalidArgument (a law without ranges that has a seed, or
  // another number of views than 1).
  static Result<ViewLaw> Parse(const ViewSet& set);

  // With its law in canonical form.
  const ViewSet& set() const { return set_; }
  // The parameters of view `number` of an image, one op after the other, rounded to kDecimals.
  // REQUIRES: number < set().count.
  std::vector<double> Parameters(uint32_t number, const ContentHash& image) const;
  // The op that makes the view of the image, and the hash under which Φ of the view is stored: that
  // of a pair of the same op, so that either finds what the other stored.
  ImageOp Op(uint32_t number, const ContentHash& image) const;
  ContentHash Hash(uint32_t number, const ContentHash& image) const;

  // Finer than any image op tells apart, and short in an op's text.
  static constexpr double kDecimals = 1e4;

 private:
  ViewLaw(ViewSet set, OpPattern pattern) : set_(std::move(set)), pattern_(std::move(pattern)) {}

  ViewSet set_;
  OpPattern pattern_;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_IMAGES_VIEW_LAW_H_
