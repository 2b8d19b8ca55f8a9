# bench_executor: layer and head calls of the software card's executors.
if(AXLE_BUILD_BENCH)
  find_package(benchmark REQUIRED)
  add_executable(axle_bench_executor "${CMAKE_CURRENT_LIST_DIR}/bench_executor.cc")
  target_link_libraries(axle_bench_executor PRIVATE axle::softcard_executor axle_flags benchmark::benchmark)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(axle_bench_executor PRIVATE -Wno-psabi)
  endif()
endif()
