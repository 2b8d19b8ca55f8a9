// In place of what tools/embed_web.py writes, where the program is built without its page.
#include "api/web/web_files.h"

namespace axle::api {

std::span<const WebFile> web_files() { return {}; }

}  // namespace axle::api
