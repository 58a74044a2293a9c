// Resources taken as unlimited, to bound what each of them costs a run: the cycles that a run with it saves are
// the most that any improvement of the resource could. No chip is like that, so a record names them
// (identity.what_if). Each is granted in one place, which is where its flag is read.
#pragma once

namespace leto::model {

struct WhatIf {
  bool hbm = false;          // device memory answers at once (Hbm); the LLC stays
  bool noc = false;          // links and hops take no time, buffers never fill (Noc); a PE's port still does
  bool local_store = false;  // every command gets the bandwidth it asks for (LocalStore)
  bool issue = false;        // instructions cost the issue cores nothing (IssueCore)
};

}  // namespace leto::model
