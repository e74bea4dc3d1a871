// Internal to the server folder: what the line of an audit log says about a message.
#ifndef AUGSTORE_SERVER_ACCESS_AUDIT_NOTE_H_
#define AUGSTORE_SERVER_ACCESS_AUDIT_NOTE_H_

#include <string>
#include <variant>

#include "schemas/wire/messages.h"

namespace augstore {

struct AuditNote {
  std::string target;      // what the request names
  std::string result;      // what it made
  bool under_way = false;  // the client is to ask again: nothing has become of it yet
  bool looks = false;      // this request of a kind that writes changes nothing
};

inline std::string TargetOf(const SetAliasRequest& m) {
  return fmt::format("{} {}, alias {} to {}{}", RecordKindName(m.kind), m.name, m.alias, m.version,
                     m.force ? ", by force" : "");
}
inline std::string TargetOf(const AppendRowsRequest& m) {
  return fmt::format("backbone {}, {} rows", m.backbone.Hex(), m.embeddings.rows());
}
inline std::string TargetOf(const AppendSamplesRequest& m) {
  return fmt::format("draft {}, {} samples", m.draft, m.samples.size());
}
inline std::string TargetOf(const AppendViewsRequest& m) {
  return fmt::format("draft {}, {} views from sample {} on", m.draft, m.images.size(), m.begin);
}
inline std::string TargetOf(const RepairRowsRequest&) { return "rows"; }
inline std::string TargetOf(const DeleteRecordRequest& m) {
  return fmt::format("{} {}{}", RecordKindName(m.kind), m.ref, m.cascade ? ", cascade" : "");
}
inline std::string TargetOf(const GarbageRequest& m) { return m.pairs ? "rows and pairs" : "rows"; }
inline std::string TargetOf(const EraseSampleRequest& m) {
  const ErasureTarget& target = m.target;
  if (target.collection.empty()) return "image " + target.image;
  return fmt::format("collection {}, key '{}'", target.collection, target.key);
}
inline std::string TargetOf(const StopStreamRequest& m) { return fmt::format("stream {}", m.id); }
inline std::string TargetOf(const CreateKeyRequest& m) {
  return fmt::format("role {}, scope '{}'", RoleName(m.role), m.scope);
}
// Of any other message: its fields' names say it.
template <typename Request>
std::string TargetOf(const Request& m) {
  if constexpr (requires { m.kind, m.ref; }) {
    return fmt::format("{} {}", RecordKindName(m.kind), m.ref);
  } else if constexpr (requires { m.kind, m.name; }) {
    return fmt::format("{} {}", RecordKindName(m.kind), m.name);
  } else if constexpr (requires { m.spec; }) {
    return "collection " + m.spec.collection;
  } else if constexpr (requires { m.collection; }) {
    return "collection " + m.collection;
  } else if constexpr (requires { m.draft; }) {
    return fmt::format("draft {}", m.draft);
  } else if constexpr (requires { m.backbone; }) {
    return "backbone " + m.backbone.Hex();
  } else if constexpr (requires { m.id.substr(0, 8); }) {
    return "key " + m.id.substr(0, 8);  // of an id; more may be a whole key
  } else {
    return "";
  }
}

inline bool Looks(const RepairRowsRequest& m) { return !m.apply; }
inline bool Looks(const DeleteRecordRequest& m) { return m.preview; }
inline bool Looks(const GarbageRequest& m) { return !m.apply; }
inline bool Looks(const EraseSampleRequest& m) { return m.target.preview; }
template <typename Request>
bool Looks(const Request&) {
  return false;
}

inline void NoteAnswer(const RecordReply& m, AuditNote* note) {
  note->result = fmt::format("{}@{}", m.name, m.version);
}
inline void NoteAnswer(const DraftReply& m, AuditNote* note) {
  note->result = fmt::format("draft {}", m.draft);
}
inline void NoteAnswer(const KeyReply& m, AuditNote* note) { note->result = "key " + m.key.id; }
inline void NoteAnswer(const DraftProgressReply&, AuditNote* note) { note->under_way = true; }
inline std::string Names(const std::vector<DeletedRecord>& records) {
  std::string names;
  for (const DeletedRecord& record : records) {
    names += fmt::format("{}{} {}@{}{}", names.empty() ? "" : ", ", RecordKindName(record.kind),
                         record.name, record.version,
                         record.alias.empty() ? "" : "'s alias " + record.alias);
  }
  return names;
}
inline void NoteAnswer(const DeletionReply& m, AuditNote* note) { note->result = Names(m.records); }
// Each step that gave something back has a line: the next one may not come.
inline void NoteAnswer(const GarbageReply& m, AuditNote* note) {
  note->under_way = !m.step.phase.empty() && m.step.rows == 0;
  note->result = fmt::format("{} rows so far", m.step.rows);
}
inline void NoteAnswer(const EraseSampleReply& m, AuditNote* note) {
  note->under_way = !m.step.phase.empty();
  note->result = fmt::format("image {}, {} embeddings, {} of views, of {}", m.step.image,
                             m.step.rows, m.step.views, Names(m.step.records));
}
template <typename... Answers>
void NoteAnswer(const std::variant<Answers...>& answer, AuditNote* note) {
  std::visit([note](const auto& m) { NoteAnswer(m, note); }, answer);
}
// Of any other answer: that it is none of an error says enough.
template <typename Answer>
void NoteAnswer(const Answer&, AuditNote*) {}

}  // namespace augstore

#endif  // AUGSTORE_SERVER_ACCESS_AUDIT_NOTE_H_
