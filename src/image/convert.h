#pragma once

#include "base/result.h"
#include "image/picture.h"

namespace axle::image {

// The picture as 3 channels over `background` (whose alpha plays no part): alpha lets it shine
// through, grey becomes three equal channels. Rounded to nearest.
//
// Errors: kInvalidArgument  not a picture (check()).
//         kExhausted        no memory.
Result<Picture> flatten(const Picture& picture, Colour background);

// The picture as 3 channels: alpha is dropped and the colours stay as they are.
//
// Errors: kInvalidArgument  not a picture (check()).
//         kExhausted        no memory.
Result<Picture> to_rgb(const Picture& picture);

// `above` (4 channels) over `below` (3 channels, of the same size) as its alpha says, rounded to
// nearest. `below` is unchanged on errors.
//
// Errors: kInvalidArgument  not such pictures.
Status lay_over(const Picture& above, Picture& below);

// The picture as 1 channel: 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601, in 16-bit fixed
// point as Pillow has it for mode "L"); alpha is dropped.
//
// Errors: kInvalidArgument  not a picture (check()).
//         kExhausted        no memory.
Result<Picture> to_grey(const Picture& picture);

}  // namespace axle::image
