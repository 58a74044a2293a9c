#include "apps/verbs/verbs.h"

namespace leto::verbs {

void add_all(CLI::App& app) {
  add_zoo(app);
  add_compile(app);
  add_asm(app);
  add_interp(app);
  add_run(app);
  add_report(app);
  add_decide(app);
  add_diff(app);
  add_chips(app);
  add_explain(app);
  add_doctor(app);
  add_validate(app);
  add_bench(app);
  add_twin(app);
  add_later(app);
}

}  // namespace leto::verbs
