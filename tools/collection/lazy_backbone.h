// Φ of the commands that take --backbone: its flags, its registration, and loading it when an image
// has to be embedded.
#ifndef AUGSTORE_TOOLS_COLLECTION_LAZY_BACKBONE_H_
#define AUGSTORE_TOOLS_COLLECTION_LAZY_BACKBONE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "engine/backbone/torch_backbone.h"
#include "tools/flags/flags.h"

namespace augstore {

struct BackboneFlags {
  std::string file;           // --backbone FILE.pt
  std::string name;           // --backbone-name; default: the file's name without .pt
  uint32_t resize = 0;        // --resize: input height and width
  std::vector<float> mean;    // --mean r,g,b
  std::vector<float> stddev;  // --std r,g,b
  bool normalised = false;    // --normalised
  int threads = 0;            // --threads: 0: all cores
  Dtype dtype = Dtype::kF32;  // in which embeddings are stored; no flag of all commands
};
void AddBackboneFlags(Command* command, BackboneFlags* flags);

// Φ's file, registered with the database; loaded into Torch when an image has to be embedded, and
// not before.
class LazyBackbone {
 public:
  // Registers the backbone when its digest is new. Errors: kFailedPrecondition (registered with
  // other preprocessing, naming both), and those of Backbone::Load.
  // `loaded`: Φ of the same file and flags that another database has loaded already. With
  // `show_progress`, loading that takes over two seconds has a progress line.
  static Result<std::unique_ptr<LazyBackbone>> Open(const BackboneFlags& flags, Client& client,
                                                    bool show_progress,
                                                    std::shared_ptr<Backbone> loaded = nullptr);
  const std::string& ref() const { return ref_; }
  const BackboneRecord& record() const { return record_; }
  int threads() const { return flags_.threads; }
  Dtype dtype() const { return flags_.dtype; }
  Result<Backbone*> Load();
  // Null until it is loaded.
  const std::shared_ptr<Backbone>& loaded() const { return loaded_; }
  uint64_t images_embedded() const { return loaded_ ? loaded_->images_embedded() : 0; }

 private:
  BackboneFlags flags_;
  bool show_progress_ = false;
  std::string ref_;
  BackboneRecord record_;
  std::shared_ptr<Backbone> loaded_;
};

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COLLECTION_LAZY_BACKBONE_H_
