// Ends an evaluation of a foreign block that never comes back, such as a loop in an always block. What is counted is the
// processor's time, so that a busy or a sleeping machine ends nothing.
#pragma once

namespace leto::rtl {

/// What one evaluation may take; 60 s otherwise.
void set_evaluation_limit(int seconds);
int evaluation_limit();

/// `failed` becomes what eval(top) returns. False: it did not come back within the limit; nothing of `top` may be used any
/// more. It may have been in the midst of anything, also of malloc: an alarm ends the process after half a minute
/// unless evaluation_left() calls it off.
bool evaluate_within_limit(const char* (*eval)(void*), void* top, const char*& failed);
void evaluation_left();

}  // namespace leto::rtl
