# fst: the reader and writer of FST wave files, from the sources that Debian's verilator package brings. Optional:
# without them `leto run --waves` says so and exits with 4.
find_path(LETO_FST_SOURCES fstapi.c HINTS $ENV{VERILATOR_ROOT}/include/gtkwave PATHS /usr/share/verilator/include/gtkwave)
if(LETO_FST_SOURCES)
  enable_language(C)
  add_library(fst STATIC ${LETO_FST_SOURCES}/fstapi.c ${LETO_FST_SOURCES}/fastlz.c ${LETO_FST_SOURCES}/lz4.c)
  target_include_directories(fst SYSTEM PUBLIC ${LETO_FST_SOURCES})
  target_compile_definitions(fst PUBLIC LETO_FST PRIVATE FST_CONFIG_INCLUDE="fst_config.h")
  target_compile_options(fst PRIVATE -w -fno-sanitize=undefined)  # it stores to odd addresses
  target_link_libraries(fst PUBLIC ZLIB::ZLIB)
endif()
