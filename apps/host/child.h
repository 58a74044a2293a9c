// Work in a process of its own: SystemC allows one simulation a process.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

namespace leto::host {

using Work = std::function<nlohmann::json()>;

/// Runs `work` in a child process and returns the document that it returned. An Error there is thrown here;
/// Error(internal) when the child dies. Not for a process with threads.
nlohmann::json in_child(const Work& work);

/// The same for several, `jobs` of them at a time: what they returned, in their order. `done` hears of each
/// in that order.
std::vector<nlohmann::json> in_children(
    const std::vector<Work>& works, int jobs,
    const std::function<void(std::size_t, const nlohmann::json&)>& done = {});

}  // namespace leto::host
