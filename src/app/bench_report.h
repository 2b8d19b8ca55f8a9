#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/bench_figures.h"

namespace axle::app {

// The rows of one scenario for people: a line that says what was done, then a table.
std::string table_text(std::string_view title, const std::vector<BenchRow>& rows);
// For programs: an array with one object per row; a line of names, then one per row.
std::string json_text(const std::vector<BenchRow>& rows);
std::string csv_text(const std::vector<BenchRow>& rows);

}  // namespace axle::app
