#include "isa/manual.h"

#include <cstdlib>

#include "base/files.h"
#include "isa/instruction.h"
#include "tests/isa/helpers.h"

using namespace leto;
using namespace leto::isa;

namespace {

// The committed file; rewritten first when LETO_RENEW_DOCS is set.
std::string committed(const std::string& path, const std::string& generated) {
  const std::string full = std::string(LETO_SOURCE_DIR) + "/" + path;
  if (std::getenv("LETO_RENEW_DOCS")) write_atomically(full, generated);
  return read_text(full);
}

}  // namespace

TEST_CASE("docs/isa.md is what the table generates") {
  CHECK_MESSAGE(committed("docs/isa.md", isa_manual()) == isa_manual(), "run LETO_RENEW_DOCS=1 test_isa");
}

TEST_CASE("rtl/common/isa_pkg.sv is what the table generates") {
  CHECK_MESSAGE(committed("rtl/common/isa_pkg.sv", systemverilog_package()) == systemverilog_package(),
                "run LETO_RENEW_DOCS=1 test_isa");
}

TEST_CASE("the manual lists every instruction, field and operation") {
  const std::string manual = isa_manual();
  for (const InstructionSpec& spec : instructions()) {
    CHECK(manual.find(fmt::format("#### {} (0x{:02x})", spec.mnemonic, spec.opcode)) != std::string::npos);
    CHECK(manual.find(spec.doc) != std::string::npos);
    for (const FieldSpec& field : spec.fields)
      CHECK(manual.find(fmt::format("| {} | [{}:{}] |", field.name, field.lsb + field.bits - 1, field.lsb)) !=
            std::string::npos);
  }
  for (std::string_view name : enumerators(FieldKind::vector_op))
    CHECK(manual.find(fmt::format("| {} | ", name)) != std::string::npos);
}
