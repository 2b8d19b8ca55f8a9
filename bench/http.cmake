# What the HTTP server itself costs: a program of its own, because it measures a whole process.
add_executable(bench_http "${CMAKE_CURRENT_LIST_DIR}/bench_http.cc")
target_link_libraries(bench_http PRIVATE axle::http axle_flags)
