// Image ops whose parameters may be ranges, how a sample's parameters are drawn from them, and the
// features that tell a conditional transform which op is meant.
#ifndef AUGSTORE_ENGINE_IMAGES_OP_PATTERN_H_
#define AUGSTORE_ENGINE_IMAGES_OP_PATTERN_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/types.h"

namespace augstore {

// Decides a draw together with a sample: see counter_rng.h.
struct DrawKey {
  uint64_t seed = 0;
  uint64_t epoch = 0;
  SampleId sample = 0;
};

// One op: "hflip", "rotate(15)", "rotate(-15..15)".
struct OpTerm {
  struct Range {
    double low = 0;
    double high = 0;  // = low: not drawn
    bool operator==(const Range&) const = default;
  };
  std::string name;
  std::vector<Range> parameters;
  bool operator==(const OpTerm&) const = default;
  std::string ToString() const;  // canonical
};

// Ops applied left to right: "hflip>rotate(-15..15)". Immutable.
class OpPattern {
 public:
  // Errors: kInvalidArgument: as ImageOp::Parse for both ends of each range; a range whose low end
  // is above its high end; more ops than a chain may have.
  static Result<OpPattern> Parse(std::string_view text);

  std::string ToString() const;
  const std::vector<OpTerm>& terms() const { return terms_; }
  bool fixed() const { return parameters_drawn_ == 0; }
  size_t parameters() const { return parameters_; }

  // The parameters of all ops one after the other. A ranged parameter is uniform in its range and a
  // function of (key, step, parameter number) alone. `step` is the place in a chain of transforms.
  void Draw(const DrawKey& key, size_t step, std::span<double> parameters) const;

 private:
  std::vector<OpTerm> terms_;
  size_t parameters_ = 0;
  size_t parameters_drawn_ = 0;
};

// The ops that a conditional transform was trained for: "hflip,vflip,rotate(-15..15)", at most
// `slots` of them in one application; and the features by which it knows them. An op without
// parameters has one feature, 1. One with parameters has, for each, min(m, 0) and max(m, 0), where
// m is the parameter's distance from the value that changes nothing, over the largest such distance
// in its range; and before them 1, if the op resamples the image, which is a change of its own.
class OpFamily {
 public:
  // Errors: kInvalidArgument (as OpPattern::Parse; no op; an op that occurs twice; slots 0;
  // more than kMaxBasis features).
  static Result<OpFamily> Parse(std::string_view ops, uint32_t slots);

  std::string ToString() const;
  const std::vector<OpTerm>& terms() const { return terms_; }
  uint32_t slots() const { return slots_; }
  size_t features() const { return features_; }  // of all ops
  // Errors: kInvalidArgument: an op that is not of the family, a parameter outside its range, more
  // ops than slots; naming what there is.
  Status Check(const OpPattern& pattern) const;

  // The features of one op: numbers first_feature .. first_feature + size. REQUIRES: Check of a
  // pattern with this op.
  size_t FirstFeature(const OpTerm& op) const;
  size_t FeatureCount(const OpTerm& op) const;
  void Features(const OpTerm& op, std::span<const double> parameters,
                std::span<float> features) const;

 private:
  size_t IndexOf(std::string_view name) const;  // terms_.size(): not there

  std::vector<OpTerm> terms_;
  std::vector<size_t> first_feature_;  // of each term
  uint32_t slots_ = 0;
  size_t features_ = 0;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_IMAGES_OP_PATTERN_H_
