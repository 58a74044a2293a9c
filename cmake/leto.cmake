# leto_layer(NAME LINKS…): the static library of one source folder. Its public links are the only folders it
# may include from; tests/repo/layering checks every #include against this same graph.
function(leto_layer name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
  target_link_libraries(${name} PUBLIC ${ARGN})
endfunction()

# Debian's SystemC was built as C++17: its link-time version check wants the same value everywhere.
add_library(systemc_library INTERFACE)
target_link_libraries(systemc_library INTERFACE PkgConfig::SYSTEMC)
target_compile_definitions(systemc_library INTERFACE SC_CPLUSPLUS=201703L)
