# Most of an object's time is headers (docs/performance.md), so where everything is built from clean, and seldom edited,
# sources are compiled in groups. OFF: one object a source, so that an edit compiles one.
option(LETO_UNITY "Compile the sources of a target in groups" OFF)

# leto_names(OUT SOURCE): what a source defines outside of a class, and the tables it makes definitions of: what no other
# source of its group may have, since groups share their anonymous namespaces. Definitions begin in the first column.
function(leto_names out source)
  file(READ ${source} text)
  string(REGEX MATCHALL "\n(\\[\\[[a-z]+\\]\\] )?[A-Za-z][^\n=({;[]*[ *&][A-Za-z_0-9]+ ?[(={[]" names "${text}")
  string(REGEX MATCHALL "\n(struct|class|enum class|union) [A-Za-z_0-9]+" types "${text}")
  string(REGEX MATCHALL "\n *#include \"[a-z_/]+\\.inc\"" tables "${text}")
  string(REGEX REPLACE "\n[^\n]*[ *&]([A-Za-z_0-9]+) ?[(={[]" "\\1" names "${names}")
  string(REGEX REPLACE "\n[^\n]* ([A-Za-z_0-9]+)" "\\1" types "${types}")
  string(REGEX REPLACE "\n[^\n]*[/_]([a-z]+\\.inc)\"" "\\1" tables "${tables}")
  list(APPEND names ${types} ${tables})
  list(REMOVE_ITEM names leto)  # a namespace
  set(${out} ${names} PARENT_SCOPE)
endfunction()

# leto_unity(TARGET): with LETO_UNITY, each source goes into the first group of at most 40 without any of its names.
function(leto_unity target)
  if(NOT LETO_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  set(groups 0)
  foreach(source IN LISTS sources)
    cmake_path(ABSOLUTE_PATH source)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})  # its names may change
    leto_names(names ${source})
    set(group 0)
    while(group LESS groups)
      set(free ${names})
      list(REMOVE_ITEM free "" ${names_${group}})
      if(size_${group} LESS 40 AND "${free}" STREQUAL "${names}")
        break()
      endif()
      math(EXPR group "${group} + 1")
    endwhile()
    if(group EQUAL groups)
      math(EXPR groups "${groups} + 1")
      set(size_${group} 0)
    endif()
    math(EXPR size_${group} "${size_${group}} + 1")
    list(APPEND names_${group} ${names})
    set_property(SOURCE ${source} PROPERTY UNITY_GROUP ${target}_${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # A source's own types are taken for a header's, since the group includes it.
  target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
endfunction()

# leto_layer(NAME LINKS…): the static library of one source folder. Its public links are the only folders it
# may include from; tests/repo/layering checks every #include against this same graph.
function(leto_layer name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
  target_link_libraries(${name} PUBLIC ${ARGN})
  leto_unity(${name})
endfunction()

# Debian's SystemC was built as C++17: its link-time version check wants the same value everywhere.
add_library(systemc_library INTERFACE)
target_link_libraries(systemc_library INTERFACE PkgConfig::SYSTEMC)
target_compile_definitions(systemc_library INTERFACE SC_CPLUSPLUS=201703L)
