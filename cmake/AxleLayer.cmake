# axle_layer(target RANK n DEPENDS axle::a axle::b ...)
#
# Gives a room its rank and links its dependencies. A room may use rooms of lower rank only
# (docs/architecture.md, "Rooms and ranks"): a dependency whose rank is not lower stops the configure.
function(axle_layer target)
  cmake_parse_arguments(ARG "" "RANK" "DEPENDS" ${ARGN})
  set_target_properties(${target} PROPERTIES AXLE_RANK ${ARG_RANK})
  foreach(dependency IN LISTS ARG_DEPENDS)
    get_target_property(real ${dependency} ALIASED_TARGET)
    if(NOT real)
      set(real ${dependency})
    endif()
    get_target_property(rank ${real} AXLE_RANK)
    if(rank GREATER_EQUAL ARG_RANK)
      message(FATAL_ERROR "${target} (rank ${ARG_RANK}) must not use ${dependency} (rank ${rank}): "
                          "a room uses rooms of lower rank only")
    endif()
    target_link_libraries(${target} PUBLIC ${dependency})
  endforeach()
  target_link_libraries(${target} PRIVATE axle_flags)
endfunction()

# axle_library(target FILES_H a.h ... FILES_CC a.cc ...): a static room library with its alias axle::<room>,
# headers in a verified header set below src/.
function(axle_library target)
  cmake_parse_arguments(ARG "" "" "HEADERS;SOURCES" ${ARGN})
  add_library(${target} STATIC)
  string(REPLACE "axle_" "axle::" alias ${target})
  add_library(${alias} ALIAS ${target})
  target_sources(
    ${target}
    PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/src" FILES ${ARG_HEADERS}
    PRIVATE ${ARG_SOURCES})
endfunction()

# axle_test(target LABEL unit|contract|e2e|fault [TIMEOUT s] [PREFIX p] SOURCES a_test.cc ... DEPENDS axle::x ...):
# one GoogleTest binary; every case becomes a ctest entry with the label, its name after the prefix.
function(axle_test target)
  if(NOT AXLE_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT;PREFIX" "SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(ARG_PREFIX)
    list(PREPEND ARG_PREFIX TEST_PREFIX)
  endif()
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE ${ARG_DEPENDS} axle_flags GTest::gtest_main GTest::gmock)
  if(AXLE_SANITIZE MATCHES "address")
    target_sources(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests/leaks_of_others.cc")
  endif()
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST ${ARG_PREFIX} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# axle_fuzzer(target SOURCE f.cc DEPENDS ...): a libFuzzer binary; only where AXLE_BUILD_FUZZERS is on (clang).
function(axle_fuzzer target)
  if(NOT AXLE_BUILD_FUZZERS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "SOURCE" "DEPENDS" ${ARGN})
  add_executable(${target} ${ARG_SOURCE})
  target_link_libraries(${target} PRIVATE ${ARG_DEPENDS} axle_flags)
  target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  set_property(GLOBAL APPEND PROPERTY AXLE_FUZZERS ${target})
endfunction()
