// The decision: criteria over records, with intervals, sensitivities and every input's source.
#pragma once

#include "study/decide/criteria.h"
#include "study/decide/inputs.h"
#include "study/report/report.h"

namespace leto::study {

enum class Verdict { go, conditional, no_go };
std::string_view name_of(Verdict verdict);  // GO, CONDITIONAL, NO-GO

enum class Outcome { met, edge, missed, missing };
std::string_view name_of(Outcome outcome);

/// A figure that a page shows: what it is worth and what it rests on.
struct Shown {
  std::string name;
  Quantity quantity;
  std::string precision;  // of both sides of a ratio of rates; empty elsewhere
  bool estimate = false;  // rests on an estimate or on a simulation
  bool recalled = false;  // rests on a figure that nobody saw in a document
};

struct Judged {
  Criterion criterion;
  Outcome outcome = Outcome::missing;
  std::string missing;     // what is not there
  Shown shown;             // meaningless when missing
  double probability = 0;  // share of the draws that meet the criterion
  double margin = 0;       // above 0: on the good side of the threshold, as a share of it
  std::string fidelity;    // of the record that it rests on
  double known_error = 0;  // of that fidelity, as a share
  std::vector<Swing> tornado;
};

/// A figure of a part or a workload that no criterion asks for; `missing` when it cannot be had.
struct Line {
  std::string about;
  Shown shown;
  std::string missing;
};

struct Decision {
  Criteria criteria;
  Verdict verdict = Verdict::conditional;
  std::vector<std::string> reasons;
  std::vector<Judged> judged;
  std::vector<Line> power_and_cost, fleet;
  std::vector<Input> inputs;  // all that the figures above rest on
  std::vector<std::string> records;
};

Decision decide(const Criteria& criteria, const std::vector<Evidence>& records,
                const std::vector<Baseline>& baselines);

/// The verdict of outcomes alone: a missed criterion decides, then anything missing or at its edge.
Verdict verdict_of(const std::vector<Outcome>& outcomes);

Report to_report(const Decision& decision);
std::string to_json(const Decision& decision);

}  // namespace leto::study
