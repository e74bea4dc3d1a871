// Internal to the server folder: the console, a page for browsers (server/console), as files that
// are part of the program.
#ifndef AUGSTORE_SERVER_HTTP_CONSOLE_FILES_H_
#define AUGSTORE_SERVER_HTTP_CONSOLE_FILES_H_

#include <optional>
#include <string_view>

#include "server/http/http_message.h"

namespace augstore {

// The file at `path`, "/" being the page itself, with headers that let it load nothing from
// anywhere else. Nothing: there is no such file.
std::optional<HttpReply> ConsoleFile(std::string_view path, bool compressed);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_HTTP_CONSOLE_FILES_H_
