// A tar archive (POSIX ustar) as bytes: no owner, no time, so that the same content gives the same archive.
#pragma once

#include <string>
#include <vector>

namespace leto::study {

struct ArchivedFile {
  std::string name;  // at most 99 bytes, folders with '/'
  std::string content;
};

/// Throws Error(internal) when a name is empty or too long.
std::string to_tar(const std::vector<ArchivedFile>& files);

}  // namespace leto::study
