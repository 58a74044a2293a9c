// What a reader of files says of a faulty one.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <string>

#include "base/errors.h"
#include "base/files.h"
#include "tests/base/scratch_folder.h"

namespace leto::study {

/// The error's cause, which must name the file first, when `read` gets the path of a TOML file with this text;
/// "accepted" when it throws none.
inline std::string cause_of(const std::string& text, const std::function<void(const std::string&)>& read) {
  const ScratchFolder folder;
  const std::string path = (folder / "faulty.toml").string();
  write_atomically(path, text);
  try {
    read(path);
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::bad_input);
    CHECK(std::string(error.what()).find(path + ":") == 0);
    return error.what();
  }
  return "accepted";
}

}  // namespace leto::study
