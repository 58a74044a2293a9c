// The verbs of the command line. Each function adds one (or a few that belong together) to the application;
// its callback does the work and throws leto::Error when it cannot.
#pragma once

namespace CLI {
class App;
}

namespace leto::verbs {

void add_zoo(CLI::App& app);
void add_compile(CLI::App& app);
void add_asm(CLI::App& app);  // asm and disasm
void add_interp(CLI::App& app);
void add_run(CLI::App& app);
void add_report(CLI::App& app);
void add_decide(CLI::App& app);
void add_diff(CLI::App& app);
void add_chips(CLI::App& app);
void add_explain(CLI::App& app);
void add_doctor(CLI::App& app);
void add_validate(CLI::App& app);
void add_bench(CLI::App& app);
void add_twin(CLI::App& app);
void add_later(CLI::App& app);  // verbs whose names are fixed and whose work is not here yet

/// All of them, in the order of the path.
void add_all(CLI::App& app);

}  // namespace leto::verbs
