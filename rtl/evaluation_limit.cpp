#include "rtl/evaluation_limit.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

namespace leto::rtl {
namespace {

constexpr unsigned kLeaveSeconds = 30;

sigjmp_buf back;
volatile sig_atomic_t inside = 0, ticks = 0, limit = 60;
pid_t armed = 0;  // a child has no timer of its parent's

// Once in each second of this process's time: the first tick of an evaluation may come as soon as it has begun.
void tick(int) {
  if (!inside || ++ticks <= limit) return;
  inside = 0;
  alarm(kLeaveSeconds);
  siglongjmp(back, 1);
}

void arm() {
  if (armed == getpid()) return;
  armed = getpid();
  struct sigaction action = {};
  action.sa_handler = tick;
  action.sa_flags = SA_RESTART | SA_NODEFER;  // the jump out of it leaves nothing blocked
  sigaction(SIGPROF, &action, nullptr);
  const itimerval second = {{1, 0}, {1, 0}};
  setitimer(ITIMER_PROF, &second, nullptr);
}

}  // namespace

void set_evaluation_limit(int seconds) {
  limit = seconds;
}

int evaluation_limit() {
  return limit;
}

bool evaluate_within_limit(const char* (*eval)(void*), void* top, const char*& failed) {
  arm();
  ticks = 0;
  if (sigsetjmp(back, 0) != 0) return false;
  inside = 1;
  failed = eval(top);
  inside = 0;
  return true;
}

void evaluation_left() {
  alarm(0);
}

}  // namespace leto::rtl
