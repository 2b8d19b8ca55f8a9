#pragma once

#include "app/config.h"
#include "pictures/source.h"

namespace axle::app {

// What requests may bring as pictures, as configured: files as large as a body may be, and, where
// pictures.fetch allows it, http addresses. Two are fetched at a time, in the whole process: a
// fetch keeps a thread of the server busy for up to 15 s, and others must go on.
//
// Errors of the fetch: those of http::fetch(); kExhausted  two are being fetched.
pictures::SourceRules source_rules(const Config& config);

}  // namespace axle::app
