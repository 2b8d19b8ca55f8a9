# axle::ggml: ggml (base and CPU) as static libraries, built from the sources below AXLE_DEPS_DIR.
# Always optimised, without its warnings, with hidden symbols. include(AxleGgml) from every folder that
# links axle::ggml; the first one adds it.
include_guard(GLOBAL)

function(axle_add_ggml)
  set(source "${AXLE_DEPS_DIR}/llama.cpp/ggml")
  if(NOT EXISTS "${source}/CMakeLists.txt")
    message(FATAL_ERROR "ggml is not in ${source}. Run './dev setup', or point AXLE_DEPS_DIR at a folder that has it")
  endif()

  # Its options, as plain variables of this function: the cache of axle stays clean.
  set(BUILD_SHARED_LIBS OFF)
  set(GGML_NATIVE OFF)
  if(AXLE_KERNELS STREQUAL "native")
    set(GGML_NATIVE ON)
  elseif(AXLE_KERNELS STREQUAL "common")
    set(GGML_CPU_ARM_ARCH ${axle_arm64_common})
  else()
    foreach(set SSE42 AVX AVX2 BMI2 FMA F16C)
      set(GGML_${set} OFF)
    endforeach()
  endif()
  set(GGML_LLAMAFILE ON)
  set(GGML_OPENMP OFF)
  set(GGML_ACCELERATE OFF)
  set(GGML_ALL_WARNINGS OFF)
  set(GGML_CCACHE OFF)
  set(GIT_EXE "" CACHE INTERNAL "ggml: its version must not depend on our commit")

  foreach(language C CXX)
    foreach(config DEBUG RELEASE RELWITHDEBINFO MINSIZEREL)
      set(CMAKE_${language}_FLAGS_${config} "-O3 -DNDEBUG")
    endforeach()
    set(CMAKE_${language}_VISIBILITY_PRESET hidden)
  endforeach()
  set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
  set(CMAKE_EXPORT_COMPILE_COMMANDS OFF)

  add_subdirectory("${source}" "${PROJECT_BINARY_DIR}/ggml" EXCLUDE_FROM_ALL SYSTEM)
  foreach(target ggml-base ggml-cpu ggml)
    target_compile_options(${target} PRIVATE -w)
    if(AXLE_SANITIZE MATCHES "undefined")
      # ggml reads packed blocks through pointers that are not aligned for them.
      target_compile_options(${target} PRIVATE -fno-sanitize=undefined)
    endif()
  endforeach()
  add_library(axle::ggml ALIAS ggml)
endfunction()

axle_add_ggml()
