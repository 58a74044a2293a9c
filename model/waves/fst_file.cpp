#include "model/waves/fst_file.h"

#ifdef LETO_FST
#include <fstapi.h>
#endif

#include "base/errors.h"

namespace leto::model {

#ifdef LETO_FST

namespace {

constexpr int kNanoseconds = -9;
constexpr std::uint32_t kCounterBits = 16;

std::vector<std::string> parts_of(const std::string& name) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t dot = std::min(name.find('.', begin), name.size());
    parts.push_back(name.substr(begin, dot - begin));
    begin = dot + 1;
  }
  return parts;
}

}  // namespace

bool FstFile::supported() {
  return true;
}

FstFile::FstFile(const std::filesystem::path& path, const std::string& comment) : file_(path) {
  context_ = fstWriterCreate(file_.temporary().c_str(), 1);
  if (!context_)
    throw Error(ExitCode::resource, path.string() + ": cannot write", "check the folder and its permissions");
  fstWriterSetDate(context_, "");  // not the host's: equal runs leave equal files
  fstWriterSetVersion(context_, "leto");
  fstWriterSetTimescale(context_, kNanoseconds);
  fstWriterSetPackType(context_, FST_WR_PT_LZ4);
  fstWriterSetComment(context_, comment.c_str());
}

void FstFile::close() {
  if (context_) fstWriterClose(context_);
  context_ = nullptr;
}

/// Leaves and enters scopes so that the last part of `name` can be declared.
void FstFile::enter(const std::string& name) {
  std::vector<std::string> wanted = parts_of(name);
  wanted.pop_back();
  std::size_t common = 0;
  while (common < std::min(wanted.size(), scopes_.size()) && wanted[common] == scopes_[common]) ++common;
  for (; scopes_.size() > common; scopes_.pop_back()) fstWriterSetUpscope(context_);
  for (; scopes_.size() < wanted.size(); scopes_.push_back(wanted[scopes_.size()]))
    fstWriterSetScope(context_, FST_ST_VCD_MODULE, wanted[scopes_.size()].c_str(), nullptr);
}

std::uint32_t FstFile::text(const std::string& name) {
  enter(name);
  return fstWriterCreateVar(context_, FST_VT_GEN_STRING, FST_VD_IMPLICIT, 0, parts_of(name).back().c_str(),
                            0);
}

std::uint32_t FstFile::count(const std::string& name) {
  enter(name);
  return fstWriterCreateVar(context_, FST_VT_VCD_INTEGER, FST_VD_IMPLICIT, kCounterBits,
                            parts_of(name).back().c_str(), 0);
}

std::uint32_t FstFile::vector(const std::string& name, int bits) {
  enter(name);
  return fstWriterCreateVar(context_, FST_VT_VCD_WIRE, FST_VD_IMPLICIT, static_cast<std::uint32_t>(bits),
                            parts_of(name).back().c_str(), 0);
}

void FstFile::time(std::uint64_t cycle) {
  fstWriterEmitTimeChange(context_, cycle);
}

void FstFile::value(std::uint32_t signal, const std::string& text) {
  fstWriterEmitVariableLengthValueChange(context_, signal, text.data(),
                                         static_cast<std::uint32_t>(text.size()));
}

void FstFile::value(std::uint32_t signal, std::uint32_t count) {
  fstWriterEmitValueChange32(context_, signal, kCounterBits, count);
}

void FstFile::vector_value(std::uint32_t signal, const std::string& digits) {
  fstWriterEmitValueChange(context_, signal, digits.data());
}

#else

bool FstFile::supported() {
  return false;
}

FstFile::FstFile(const std::filesystem::path& path, const std::string&) : file_(path) {
  throw Error(ExitCode::unsupported, "waves: this build has no FST library",
              "install Debian's verilator package, which brings its sources, and build again");
}

void FstFile::close() {}
void FstFile::enter(const std::string&) {}
std::uint32_t FstFile::text(const std::string&) {
  return 0;
}
std::uint32_t FstFile::count(const std::string&) {
  return 0;
}
std::uint32_t FstFile::vector(const std::string&, int) {
  return 0;
}
void FstFile::time(std::uint64_t) {}
void FstFile::value(std::uint32_t, const std::string&) {}
void FstFile::value(std::uint32_t, std::uint32_t) {}
void FstFile::vector_value(std::uint32_t, const std::string&) {}

#endif

FstFile::~FstFile() {
  close();
}

void FstFile::publish() {
  close();
  file_.publish();
}

}  // namespace leto::model
