#include "server/http/http_api.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "schemas/wire/message_json.h"
#include "schemas/wire/messages.h"
#include "server/access/access.h"
#include "server/http/image_file.h"
#include "server/http/openapi.h"

namespace augstore {
namespace {

using Json = nlohmann::ordered_json;

// What is larger as a frame is not written out as text, which is several times larger.
constexpr size_t kMostFrameBytes = size_t{8} << 20;

HttpReply JsonPage(const Json& json) {
  // Names and keys may be any bytes.
  return {.body = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n",
          .type = "application/json"};
}

HttpReply ErrorJson(const Status& error) {
  HttpReply reply = JsonPage({{"code", CodeName(error.code())}, {"message", error.message()}});
  reply.status = HttpStatus(error.code());
  if (error.code() == Code::kUnauthenticated) {
    reply.headers = {{"WWW-Authenticate", "Bearer realm=\"augstore\""}};
  }
  return reply;
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
          {"images", known && has_images}};
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
  if (type == MessageType::kGetRecordRequest) {
    AUGSTORE_ASSIGN(const GetRecordRequest message, FromFrame<GetRecordRequest>(request));
    if (message.with_blob) {
      return InvalidArgument("field 'with_blob': weights have no JSON form: use `augstore export`");
    }
  }
  return OkStatus();
}

Result<Json> Ask(Service* service, MessageType type, const Json& fields,
                 const PrincipalPointer& caller, const Cancellation& cancellation) {
  AUGSTORE_ASSIGN(Frame request, RequestFromJson(type, fields));
  AUGSTORE_TRY(CheckHasJson(type, request));
  const std::optional<Frame> reply = service->Start(std::move(request), caller)->Next(cancellation);
  // A batch that is looked at is no stream that somebody reads.
  if (type == MessageType::kBatchesRequest) service->metrics().streams.Leave(caller.get());
  if (!reply.has_value()) return Internal("{} had no reply", MessageTypeName(type));
  if (reply->body.bytes.size() > kMostFrameBytes) {
    return ResourceExhausted(
        "the reply has {} MiB, too much for JSON ({} MiB): ask for less at once, or use a client "
        "of the protocol",
        reply->body.bytes.size() >> 20, kMostFrameBytes >> 20);
  }
  return ReplyToJson(*reply);
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
  AUGSTORE_ASSIGN(const Json reply,
                  Ask(service, MessageType::kGetSamplesRequest, fields, caller, cancellation));
  const Json& samples = reply["samples"];
  if (options.images.empty() || samples["keys"].empty()) {
    return NotFound("the server has no image file of this sample");
  }
  const std::string split = samples["split_names"][samples["splits"][0].get<size_t>()];
  AUGSTORE_ASSIGN(ImageFile file, ReadImageFile(options.images, split, samples["keys"][0]));
  return HttpReply{.body = std::move(file.bytes), .type = std::move(file.type)};
}

Status CheckHasRole(Service* service, const Principal& caller, std::string_view what) {
  if (caller.role != Role{}) return OkStatus();
  Status refused = Unauthenticated(
      "a key is needed: send it as 'Authorization: Bearer KEY' (augstore key create)");
  service->NoteRefusal(caller, what, refused);
  return refused;
}

}  // namespace

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
  if (name == "openapi.json" && looks) return JsonPage(OpenApi());
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
  const Result<Json> reply = Ask(service, *type, *fields, caller, cancellation);
  return reply.ok() ? JsonPage(*reply) : ErrorJson(reply.status());
}

}  // namespace augstore
