# axle::openvino: OpenVINO's runtime from the folder that ./dev setup unpacked below AXLE_DEPS_DIR. Its own package
# file is not used: it insists on parts (readers of other formats) that are not unpacked.
include_guard(GLOBAL)

set(axle_openvino_dir "${AXLE_DEPS_DIR}/openvino")
file(GLOB axle_openvino_library "${axle_openvino_dir}/libs/libopenvino.so.*")
if(NOT axle_openvino_library)
  message(FATAL_ERROR "OpenVINO is not in ${axle_openvino_dir}. Run './dev setup', point AXLE_DEPS_DIR at a folder "
                      "that has it, or configure with -DAXLE_OPENVINO=OFF")
endif()
add_library(axle_openvino SHARED IMPORTED GLOBAL)
add_library(axle::openvino ALIAS axle_openvino)
set_target_properties(
  axle_openvino
  PROPERTIES IMPORTED_LOCATION "${axle_openvino_library}"
             INTERFACE_INCLUDE_DIRECTORIES "${axle_openvino_dir}/include"
             INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${axle_openvino_dir}/include")
