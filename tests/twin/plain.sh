# Sourced after one_block.sh: a block as plain Verilog, for yosys. Needs Verilator and python3.
# Functions of a block that are kept as modules, and counted at each call (plain_verilog.py). A lane of the vector lookup calls 69
# fused multiply-adds, 21 products, 18 sums and three quotients in one cycle's logic: inlined, yosys had not read one after eight minutes.
# What a call's constant operand would save is not saved.
units_of() {
  case $1 in
    matrix_engine) echo fp_pkg__fma ;;
    vector_lookup) echo fp32_pkg__fma fp32_pkg__multiply fp32_pkg__divide fp_pkg__add fp_pkg__convert ;;
  esac
}
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
