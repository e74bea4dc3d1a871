#include "server/http/openapi.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "schemas/wire/message_json.h"
#include "server/access/access.h"
#include "server/http/http_api.h"

namespace augstore {
namespace {

using Json = nlohmann::ordered_json;

Json JsonContent(Json schema) {
  return {{"content", {{"application/json", {{"schema", std::move(schema)}}}}}};
}

Json Responses(Json schema) {
  Json ok = JsonContent(std::move(schema));
  ok["description"] = "what was asked for";
  return {{"200", std::move(ok)}, {"default", {{"$ref", "#/components/responses/Error"}}}};
}

// One parameter for each field that a text can say.
Json QueryParameters(const Json& request) {
  Json parameters = Json::array();
  for (const auto& [name, schema] : request["properties"].items()) {
    if (schema["type"] == "object" || schema["type"] == "array") continue;
    if (name == "with_blob") continue;  // weights have no JSON form
    parameters.push_back({{"name", name}, {"in", "query"}, {"schema", schema}});
  }
  return parameters;
}

Json PathOf(const std::string& name, const Json& schemas) {
  const MessageType type = *FindJsonRequest(name);
  const std::string needs = "Needs a key of role " + std::string(RoleName(*NeededRole(type))) + ".";
  Json path = Json::object();
  Json body = JsonContent(schemas["request"]);
  body["required"] = false;
  path["post"] = {{"operationId", name},
                  {"description", needs},
                  {"requestBody", std::move(body)},
                  {"responses", Responses(schemas["reply"])}};
  if (!IsWrite(type)) {
    path["get"] = {{"operationId", "get" + name},
                   {"description", needs},
                   {"parameters", QueryParameters(schemas["request"])},
                   {"responses", Responses(schemas["reply"])}};
  }
  return path;
}

// What HTTP alone has.
Json PlainPath(const char* name, const char* description, Json responses, bool needs_key) {
  Json path = {
      {"get",
       {{"operationId", name}, {"description", description}, {"responses", std::move(responses)}}}};
  if (!needs_key) path["get"]["security"] = Json::array();
  return path;
}

void AddPlainPaths(Json* paths) {
  const std::string prefix(kApiPrefix);
  (*paths)[prefix + "Session"] =
      PlainPath("Session", "Who asks.", Responses({{"type", "object"}}), false);
  (*paths)[prefix + "openapi.json"] =
      PlainPath("openapi", "This document.", Responses({{"type", "object"}}), false);
  Json image =
      PlainPath("image", "The image file of a sample. Needs a key of role read without a scope.",
                {{"200", {{"description", "the file"}, {"content", {{"image/*", Json::object()}}}}},
                 {"default", {{"$ref", "#/components/responses/Error"}}}},
                true);
  for (const char* name : {"collection", "sample"}) {
    image["get"]["parameters"].push_back(
        {{"name", name}, {"in", "query"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  (*paths)[prefix + "image"] = std::move(image);
}

}  // namespace

Json OpenApi() {
  Json paths = Json::object();
  const Json schemas = JsonRequestSchemas();
  for (const auto& [name, of_request] : schemas.items()) {
    paths[std::string(kApiPrefix) + name] = PathOf(name, of_request);
  }
  AddPlainPaths(&paths);
  Json error = JsonContent(
      {{"type", "object"},
       {"properties", {{"code", {{"type", "string"}}}, {"message", {{"type", "string"}}}}}});
  error["description"] = "why not";
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "augstore"},
            {"version", AUGSTORE_VERSION},
            {"description",
             "Requests of the protocol as JSON. Fields that are absent are as by "
             "default. An integer beyond 2^53 is a decimal text."}}},
          {"security", Json::array({{{"key", Json::array()}}})},
          {"paths", std::move(paths)},
          {"components",
           {{"securitySchemes", {{"key", {{"type", "http"}, {"scheme", "bearer"}}}}},
            {"responses", {{"Error", std::move(error)}}}}}};
}

}  // namespace augstore
