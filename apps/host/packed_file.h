// Files of traces/, which are packed.
#pragma once

#include <filesystem>
#include <string>

namespace leto::host {

/// What a .gz file holds; Error(bad_input) when it is damaged or holds more than 16 MiB.
std::string gunzip(const std::filesystem::path& path);

/// Error(bad_input) about a file of traces/.
[[noreturn]] void damaged(const std::filesystem::path& path, const std::string& why);

}  // namespace leto::host
