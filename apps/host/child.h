// Work in a process of its own: SystemC allows one simulation a process.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

namespace leto::host {

/// Runs `work` in a child process and returns the document that it returned. An Error there is thrown here;
/// Error(internal) when the child dies. Not for a process with threads.
nlohmann::json in_child(const std::function<nlohmann::json()>& work);

}  // namespace leto::host
