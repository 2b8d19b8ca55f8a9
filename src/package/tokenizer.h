#pragma once

#include "base/result.h"
#include "package/package.h"
#include "text/tokenizer.h"

namespace axle::package {

// Loads the tokenizer of a package (tens to hundreds of milliseconds).
//
// Errors: kCorrupt      the file is damaged, or has more tokens than the model has logits.
//         kUnsupported  a kind of tokenizer that is not known.
//         kNotFound     the file vanished.
Result<text::Tokenizer> load_tokenizer(const Package& package);

}  // namespace axle::package
