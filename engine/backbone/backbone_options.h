// What Φ may be told when it is loaded. No Torch here.
#ifndef AUGSTORE_ENGINE_BACKBONE_BACKBONE_OPTIONS_H_
#define AUGSTORE_ENGINE_BACKBONE_BACKBONE_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "schemas/base/status.h"
#include "schemas/records/records.h"

namespace augstore {

struct BackboneOptions {
  uint32_t input_height = 0;  // 0: from the file's "augstore.json" extra file, else found by trial
                              // (32, 64, 96, 128, 160, 224)
  uint32_t input_width = 0;
  std::vector<float> mean;  // per channel; empty: from the file, else none
  std::vector<float> stddev;
  BackboneWay way;  // empty: the fastest is found by measuring; else it is taken as it is
  bool normalised =
      false;        // scale embeddings to length 1; without a way, also where Φ's own have it
  int threads = 0;  // 0: all cores
  std::function<void(const std::string& what)> report;  // is told of each step; may be empty
};

// Errors: kInvalidArgument, naming the option.
Status CheckOptions(const BackboneOptions& options);

// Fills in what `options` leaves open from `text`, the file's "augstore.json", which may be empty.
// Errors: kInvalidArgument.
Status AddMetadata(const std::string& text, BackboneOptions& options);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_BACKBONE_BACKBONE_OPTIONS_H_
