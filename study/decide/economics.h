// Watts and dollars of a part at three levels, as formulas over the sheet. A level holds the one below:
// chip < server (its share of the host) < data centre (PUE; dollars a year with building and electricity).
#pragma once

#include "study/decide/sheet.h"

namespace leto::study {

/// W a device.
double watts(const Values& v, const std::string& part, const std::string& level);
/// USD a device (chip, server); USD a device and year (datacentre).
double dollars(const Values& v, const std::string& part, const std::string& level);

/// The parts of dollars(): they add up to it.
struct CostPart {
  std::string name;
  Formula formula;
};
std::vector<CostPart> yearly_parts(const std::string& part);

/// USD of a part as bought: its price, or manufacturing cost x a partner's margin.
double price(const Values& v, const std::string& part);

}  // namespace leto::study
