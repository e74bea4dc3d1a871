// Internal to the server folder: the description of the HTTP API for programs.
#ifndef AUGSTORE_SERVER_HTTP_OPENAPI_H_
#define AUGSTORE_SERVER_HTTP_OPENAPI_H_

#include <nlohmann/json_fwd.hpp>

namespace augstore {

// An OpenAPI 3.1 document: a path for each request that has a JSON form.
nlohmann::ordered_json OpenApi();

}  // namespace augstore

#endif  // AUGSTORE_SERVER_HTTP_OPENAPI_H_
