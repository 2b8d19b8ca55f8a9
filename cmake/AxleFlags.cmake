# axle_flags: warnings, sanitizers and definitions of every target that is ours.
add_library(axle_flags INTERFACE)
target_compile_options(
  axle_flags
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wconversion
            -Wsign-conversion
            $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast>
            $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
            $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
            # GCC 12 warns of std::string's own operator+ (GCC bug 105651).
            $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
            # GCC 14 warns of strings inside a std::variant that holds something else.
            $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,13>>:-Wno-maybe-uninitialized>
            $<$<BOOL:${AXLE_WERROR}>:-Werror>)
target_compile_definitions(axle_flags INTERFACE SPDLOG_FMT_EXTERNAL SPDLOG_COMPILED_LIB)

if(AXLE_SANITIZE)
  if(AXLE_SANITIZE MATCHES "thread" AND AXLE_SANITIZE MATCHES "address")
    message(FATAL_ERROR "AXLE_SANITIZE: thread and address cannot be combined")
  endif()
  # Every target, the third-party ones too, must agree on the sanitizer.
  add_compile_options(-fsanitize=${AXLE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${AXLE_SANITIZE})
  if(AXLE_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options(-fno-sanitize=function) # Clang 14 cannot assemble it for coroutines.
  endif()
endif()
if(AXLE_BUILD_FUZZERS)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "AXLE_BUILD_FUZZERS needs clang (preset 'fuzz')")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
