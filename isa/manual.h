// What is generated from the instruction table: the manual (docs/isa.md) and the SystemVerilog package
// (rtl/common/isa_pkg.sv). The committed files must equal these strings; `LETO_RENEW_DOCS=1 test_isa`
// rewrites them.
#pragma once

#include <string>

namespace leto::isa {

std::string isa_manual();
std::string systemverilog_package();

}  // namespace leto::isa
