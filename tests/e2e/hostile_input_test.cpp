// Input made to hurt: endless files, names that break a terminal or a record, nesting that overflows a stack,
// programs whose checksum is right and whose content is not.
#include <cstring>
#include <span>

#include "base/hash.h"
#include "isa/program.h"
#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

/// The bytes of `text` with every `from` replaced by the equally long `to`.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  REQUIRE(from.size() == to.size());
  REQUIRE(text.find(from) != std::string::npos);
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from))
    text.replace(at, from.size(), to);
  return text;
}

/// A program file with the checksum that its content asks for.
std::string sealed(std::string file) {
  const auto body = std::as_bytes(std::span(file)).first(file.size() - sizeof(std::uint64_t));
  const std::uint64_t sum = fnv1a(body);
  std::memcpy(file.data() + body.size(), &sum, sizeof sum);
  return file;
}

void gemm(const Folder& folder) {
  must(folder, "zoo gemm --m 32 --n 32 --k 32 -o g.onnx");
}

TEST_CASE("hostile input: a line break in a name leaves the error on its two lines") {
  const Folder folder;
  must(folder, "zoo mlp -o m.onnx");
  write(folder / "broken.onnx", replaced(read(folder / "m.onnx"), "Relu", "Bo\nu"));
  check_refused(leto(folder, "compile broken.onnx --chip tiny -o p.prog"), 4, "Bo?u");
  check_refused(leto(folder, "compile \"$(printf 'a\\nb.onnx')\" --chip tiny -o p.prog"), 3, "a?b.onnx");
}

TEST_CASE("hostile input: a name that is not UTF-8 leaves valid JSON") {
  const Folder folder;
  must(folder, "zoo lenet -o m.onnx");
  write(folder / "odd.onnx", replaced(read(folder / "m.onnx"), "fc3",
                                      "f\xff"
                                      "3"));
  const auto done = leto(folder, "interp odd.onnx --chip tiny --json");
  CHECK_MESSAGE(done.code == 0, done.err);
  CHECK(done.out.find("f\xef\xbf\xbd"
                      "3") != std::string::npos);
  CHECK(leto(folder, "run odd.onnx --chip tiny --values off --out o").code == 0);
}

TEST_CASE("hostile input: names that no file can have") {
  const Folder folder;
  gemm(folder);
  const std::string name(5000, 'a');
  check_refused(leto(folder, "compile g.onnx --chip " + name + " -o p.prog"), 3, "aaa");
  check_refused(leto(folder, "compile g.onnx --chip tiny --set hbm.timing=" + name + " -o p.prog"), 3, "aaa");
  check_refused(leto(folder, "report " + name + " -o r.html"), 3, "aaa");
  check_refused(leto(folder, "diff " + name + " " + name), 3, "aaa");
}

TEST_CASE("hostile input: endless files") {
  const Folder folder;
  gemm(folder);
  for (const std::string name : {"z.onnx", "z.prog", "z.toml", "z.npy"})
    fs::create_symlink("/dev/zero", folder / name);
  check_refused(leto(folder, "compile z.onnx --chip tiny -o p.prog"), 3, "longer than");
  check_refused(leto(folder, "disasm z.prog"), 3, "longer than");
  check_refused(leto(folder, "compile g.onnx --chip z.toml -o p.prog"), 3, "longer than");
  check_refused(leto(folder, "compile g.onnx --chip tiny --train z.toml -o p.prog"), 3, "longer than");
  check_refused(leto(folder, "interp g.onnx --chip tiny --inputs a=z.npy"), 3, "longer than");
}

TEST_CASE("hostile input: reference points that no run can reach") {
  const Folder folder;
  const auto refused = [&](const std::string& param, const std::string& n, const std::string& cause) {
    write(folder / "points.csv",
          "config,pattern,mode,param,n,tck_ns,tx_bytes,GBps,rlat_avg\n"
          "hbm3_6400_pc1_ref,seq,dep," +
              param + "," + n + ",0.3125,32,1,1\n");
    check_refused(leto(folder, "validate dram points.csv --timing hbm3_6400"), 3, cause);
  };
  refused("1", "nan", "column n");
  refused("1", "1e300", "column n");
  refused("inf", "10", "column param");
  refused("0.5", "10", "0.5 reads under way");
  fs::create_symlink("/dev/zero", folder / "z.csv");
  check_refused(leto(folder, "validate dram z.csv --timing hbm3_6400"), 3, "longer than");
}

TEST_CASE("hostile input: keys nested beyond the stack") {
  const Folder folder;
  gemm(folder);
  std::string deep = "a";
  for (int i = 0; i < 100000; ++i) deep += ".a";
  for (const std::string& text : {"[" + deep + "]\n", deep + " = 1\n"}) {
    write(folder / "deep.toml", text);
    check_refused(leto(folder, "compile g.onnx --chip ./deep.toml -o p.prog"), 3, "deep.toml");
    check_refused(leto(folder, "compile g.onnx --chip tiny --train deep.toml -o p.prog"), 3, "deep.toml");
  }
  check_refused(
      leto(folder, "compile g.onnx --chip tiny --set pe.rows={" + deep.substr(0, 60001) + "=1} -o p.prog"), 3,
      "--set");
}

TEST_CASE("hostile input: programs with a right checksum and wrong content") {
  const Folder folder;
  gemm(folder);
  must(folder, "compile g.onnx --chip tiny -o g.prog");
  const auto program = read(folder / "g.prog");
  const auto refused = [&](const std::string& from, const std::string& to, const std::string& cause) {
    write(folder / "bad.prog", sealed(replaced(program, from, to)));
    check_refused(leto(folder, "run bad.prog --chip tiny --out o"), 6, cause);
  };
  refused("bf16", "bf17", "unknown type 'bf17'");
  refused("{\"hbm_pinned", "[\"hbm_pinned", "memory_fit");
  CHECK_FALSE(fs::exists(folder / "o"));
}

TEST_CASE("hostile input: more values than a host holds are refused before the run") {
  const Folder folder;
  write(folder / "huge.lasm",
        ".name \"huge\"\n.tensor \"y\" role=output dtype=bf16 shape=1000000x1000 address=0 limit=0\n.core "
        "0\nend\n");
  must(folder, "asm huge.lasm -o huge.prog");
  check_refused(leto(folder, "interp huge.prog --chip tiny"), 9, "GB of host memory");
}

TEST_CASE("hostile input: an array of another shape is refused, though it has as many elements") {
  const Folder folder;
  gemm(folder);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (16, 64), }";
  header.resize(117, ' ');
  write(folder / "a.npy", "\x93NUMPY\x01" + std::string(1, '\0') + "v" + std::string(1, '\0') + header +
                              "\n" + std::string(4096, '\0'));
  check_refused(leto(folder, "interp g.onnx --chip tiny --inputs a=a.npy"), 3, "shape [16,64]");
}

}  // namespace
}  // namespace leto::e2e
