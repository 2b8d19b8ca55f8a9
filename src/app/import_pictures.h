#pragma once

#include <filesystem>

#include "app/commands.h"

namespace axle::app {

// True where run_import() is asked for pictures: a folder of ONNX files, or their shape.
bool asks_for_pictures(const ImportArguments& arguments);

// Makes the package `output` and prints what was made.
// Errors: as package::import_pictures(); kInvalidArgument  a size that cannot be read, arguments
//         for language models.
Status import_pictures(const ImportArguments& arguments, const std::filesystem::path& output);

}  // namespace axle::app
