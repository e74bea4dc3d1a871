#include "server/http/http_api.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "schemas/wire/batch.h"
#include "schemas/wire/message_json.h"
#include "schemas/wire/messages.h"
#include "server/access/access.h"
#include "server/http/image_file.h"
#include "server/http/openapi.h"

namespace augstore {
namespace {

using Json = nlohmann::ordered_json;

// What is larger as a frame is not written out as text, which is several times larger.
constexpr size_t kMostFrameBytes = size_t{4} << 20;
constexpr size_t kMostNumbers = size_t{1} << 20;  // of embeddings
constexpr size_t kMostQuerySamples = 1024;
// Of memory, while a reply becomes text and is sent: for each byte of the frame, and of embeddings,
// which may be a byte each there, for each number.
constexpr size_t kBytesPerFrameByte = 12;
constexpr size_t kBytesPerNumber = 48;

HttpReply JsonPage(const Json& json) {
  // Names and keys may be any bytes.
  return {.body = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n",
          .type = "application/json"};
}

HttpReply OpenApiPage() {
  static const HttpReply page = JsonPage(OpenApi());
  return page;
}

HttpReply WrongMethod(std::string_view why, std::string allow) {
  HttpReply reply = ErrorJson(InvalidArgument("{}", why));
  reply.status = 405;
  reply.headers = {{"Allow", std::move(allow)}};
  return reply;
}

// Who asks, for a page that is to say so before it has a key.
Json SessionJson(const Principal& caller, const Service& service, bool has_images) {
  const bool known = caller.role != Role{};
  return {{"version", AUGSTORE_VERSION},
          {"store_id", known ? service.store_id() : ""},
          {"role", known ? RoleName(caller.role) : "none"},
          {"scope", caller.scope},
          {"who", caller.who},
          {"images", known && has_images && caller.scope.empty()}};
}

Result<Json> FieldsOf(const HttpRequest& request) {
  if (request.method != "POST") {
    Json fields = Json::object();
    for (const auto& [name, value] : request.query) fields[name] = value;
    return fields;
  }
  // A page of another site can send a form without asking, but no JSON (WHATWG Fetch, section 4.9).
  if (!request.content_type.starts_with("application/json")) {
    return InvalidArgument("a POST needs 'Content-Type: application/json', not '{}'",
                           request.content_type);
  }
  if (request.body.empty()) return Json::object();
  Json fields = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (!fields.is_object()) return InvalidArgument("the body is not a JSON object");
  return fields;
}

// What would be refused only after much work, or would not fit a text.
Status CheckHasJson(MessageType type, const Frame& request) {
  if (type == MessageType::kBatchesRequest) {
    AUGSTORE_ASSIGN(const BatchesRequest message, FromFrame<BatchesRequest>(request));
    if (message.count != 1) {
      return InvalidArgument("field 'count': one batch at a time is sent as JSON, not {}",
                             message.count);
    }
  }
  if (type == MessageType::kQueryRequest) {
    AUGSTORE_ASSIGN(const QueryRequest message, FromFrame<QueryRequest>(request));
    if (message.samples.size() > kMostQuerySamples) {
      return InvalidArgument("field 'samples': {} at once are too many for JSON: at most {}",
                             message.samples.size(), kMostQuerySamples);
    }
  }
  if (type == MessageType::kGetRecordRequest) {
    AUGSTORE_ASSIGN(const GetRecordRequest message, FromFrame<GetRecordRequest>(request));
    if (message.with_blob) {
      return InvalidArgument("field 'with_blob': weights have no JSON form: use `augstore export`");
    }
  }
  return OkStatus();
}

Status TooMuch(size_t bytes) {
  return ResourceExhausted(
      "the reply has {} KiB, too much for JSON: ask for less at once, or use a client of the "
      "protocol",
      bytes >> 10);
}

// Memory for a reply as text. Errors: kResourceExhausted.
Result<MemoryBudget::Share> TakeText(Service* service, const Frame& reply) {
  const size_t bytes = reply.body.bytes.size();
  if (bytes > kMostFrameBytes) return TooMuch(bytes);
  size_t text = bytes * kBytesPerFrameByte;
  if (reply.type == MessageType::kBatchReply) {
    AUGSTORE_ASSIGN(const Batch batch, BatchFromFrame(reply));
    const size_t numbers = batch.size() * batch.embeddings.cols;
    if (numbers > kMostNumbers) return TooMuch(numbers * sizeof(float));
    text = (numbers + 4 * batch.size()) * kBytesPerNumber;
  }
  return service->memory().TakeNow(text, "a reply in JSON");
}

struct Answer {
  Json json;
  std::shared_ptr<const void> memory;  // of its text
};

Result<Answer> Ask(Service* service, MessageType type, const Json& fields,
                   const PrincipalPointer& caller, const Cancellation& cancellation) {
  AUGSTORE_ASSIGN(Frame request, RequestFromJson(type, fields));
  AUGSTORE_TRY(CheckHasJson(type, request));
  // Its client may be gone since it was sent, and would not learn what became of it.
  AUGSTORE_TRY(cancellation.Check());
  const std::optional<Frame> reply = service->Start(std::move(request), caller)->Next(cancellation);
  // A batch that is looked at is no stream that somebody reads.
  if (type == MessageType::kBatchesRequest) service->metrics().streams.Leave(caller.get());
  if (!reply.has_value()) return Internal("{} had no reply", MessageTypeName(type));
  if (type == MessageType::kBatchesRequest && reply->type == MessageType::kEndReply) {
    return NotFound("the epoch ends before this step");
  }
  AUGSTORE_ASSIGN(MemoryBudget::Share share, TakeText(service, *reply));
  AUGSTORE_ASSIGN(Json json, ReplyToJson(*reply));
  return Answer{std::move(json), std::make_shared<MemoryBudget::Share>(std::move(share))};
}

// Of the sample that the URL names, for those who may read its collection.
Result<HttpReply> ImagePage(Service* service, const HttpApiOptions& options,
                            const HttpRequest& request, const PrincipalPointer& caller,
                            const Cancellation& cancellation) {
  const auto field = [&](const char* name) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? std::string() : found->second;
  };
  const Json fields = {
      {"collection", field("collection")}, {"begin", field("sample")}, {"count", 1}};
  AUGSTORE_ASSIGN(const Answer answer,
                  Ask(service, MessageType::kGetSamplesRequest, fields, caller, cancellation));
  const Json& samples = answer.json["samples"];
  if (options.images.empty() || samples["keys"].empty()) {
    return NotFound("the server has no image file of this sample");
  }
  const std::string split = samples["split_names"][samples["splits"][0].get<size_t>()];
  // Files are found by keys, which whoever writes a collection chooses.
  if (!caller->scope.empty()) {
    return PermissionDenied(
        "images are shown to keys without a scope: the folder has those of all collections");
  }
  AUGSTORE_ASSIGN(ImageFile file, ReadImageFile(options.images, split, samples["keys"][0]));
  AUGSTORE_ASSIGN(MemoryBudget::Share share,
                  service->memory().TakeNow(file.bytes.size(), "an image"));
  return HttpReply{.body = std::move(file.bytes),
                   .type = std::move(file.type),
                   .memory = std::make_shared<MemoryBudget::Share>(std::move(share))};
}

Status CheckHasRole(Service* service, const Principal& caller, std::string_view what) {
  if (caller.role != Role{}) return OkStatus();
  Status refused = Unauthenticated(
      "a key is needed: send it as 'Authorization: Bearer KEY' (augstore key create)");
  service->NoteRefusal(caller, what, refused);
  return refused;
}

}  // namespace

HttpReply ErrorJson(const Status& error) {
  HttpReply reply = JsonPage({{"code", CodeName(error.code())}, {"message", error.message()}});
  reply.status = HttpStatus(error.code());
  if (error.code() == Code::kUnauthenticated) {
    reply.headers = {{"WWW-Authenticate", "Bearer realm=\"augstore\""}};
  }
  return reply;
}

int HttpStatus(Code code) {
  switch (code) {
    case Code::kOk:
      return 200;
    case Code::kInvalidArgument:
      return 400;
    case Code::kUnauthenticated:
      return 401;
    case Code::kPermissionDenied:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition:
      return 409;
    case Code::kResourceExhausted:
      return 429;
    case Code::kUnavailable:
      return 503;
    case Code::kDeadlineExceeded:
      return 504;
    case Code::kDataLoss:
    case Code::kInternal:
      break;
  }
  return 500;
}

HttpReply AnswerApi(Service* service, const HttpApiOptions& options, const HttpRequest& request,
                    const PrincipalPointer& caller, const Cancellation& cancellation) {
  const std::string_view name = std::string_view(request.path).substr(kApiPrefix.size());
  const bool looks = request.method == "GET" || request.method == "HEAD";
  if (!looks && request.method != "POST") {
    return WrongMethod("only GET, HEAD and POST are answered here", "GET, HEAD, POST");
  }
  if (name == "Session" && looks) {
    return JsonPage(SessionJson(*caller, *service, !options.images.empty()));
  }
  if (name == "openapi.json" && looks) return OpenApiPage();
  if (name == "image" && looks) {
    const Status known = CheckHasRole(service, *caller, "GetSamples");
    if (!known.ok()) return ErrorJson(known);
    Result<HttpReply> image = ImagePage(service, options, request, caller, cancellation);
    return image.ok() ? *std::move(image) : ErrorJson(image.status());
  }
  const std::optional<MessageType> type = FindJsonRequest(name);
  if (!type.has_value()) {
    return ErrorJson(NotFound(
        "there is no request of this name: /api/v1/openapi.json lists those that there are"));
  }
  const Status known = CheckHasRole(service, *caller, OperationName(*type));
  if (!known.ok()) return ErrorJson(known);
  if (looks && IsWrite(*type)) return WrongMethod("this request writes: send it by POST", "POST");
  const Result<Json> fields = FieldsOf(request);
  if (!fields.ok()) return ErrorJson(fields.status());
  Result<Answer> answer = Ask(service, *type, *fields, caller, cancellation);
  if (!answer.ok()) return ErrorJson(answer.status());
  HttpReply reply = JsonPage(answer->json);
  reply.memory = std::move(answer->memory);
  return reply;
}

ApiCost CostOf(const std::string& path, const Principal& caller) {
  const std::string_view name = std::string_view(path).substr(kApiPrefix.size());
  if (caller.role == Role{}) return ApiCost::kNothing;
  if (name == "Session" || name == "openapi.json") return ApiCost::kNothing;
  const std::optional<MessageType> type = FindJsonRequest(name);
  if (!type.has_value()) return name == "image" ? ApiCost::kQuick : ApiCost::kNothing;
  // A chunk or two of samples; a page asks for those of a batch one by one.
  if (*type == MessageType::kGetSamplesRequest) return ApiCost::kQuick;
  return Service::IsQuick(*type) ? ApiCost::kQuick : ApiCost::kLong;
}

}  // namespace augstore
