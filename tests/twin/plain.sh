# Sourced after one_block.sh: a block as plain Verilog, for yosys. Needs Verilator and python3.
# plain_verilog BLOCK "Parameter=value ..." OUT [FUNCTION...]: writes OUT, those functions as modules; says why not and fails.
plain_verilog() {
  local dir
  dir=$(dirname "$3")
  (
    cd rtl
    verilator --xml-only -Wno-fatal ${2:+$(printf -- ' -G%s' $2)} $(sources_of "$1") --top-module "$1" --Mdir "$dir/xml" &&
      /usr/bin/python3 ../tests/twin/plain_verilog.py "$dir/xml/V$1.xml" "${@:4}" > "$3"
  ) > "$dir/plain.log" 2>&1 || { tail -n 5 "$dir/plain.log"; return 1; }
}
