#include "compiler/lower/core_emitter.h"

#include "base/errors.h"

namespace leto::compiler {

using isa::Opcode;

void CoreEmitter::begin(std::uint32_t source) {
  source_ = source;
  next_ = first_free_;
  forget_shape();
}

CoreEmitter::Reg CoreEmitter::reg() {
  if (next_ >= isa::kRegisters)
    throw Error(ExitCode::internal, "a kernel needs more scalar registers than a core has",
                "report the model; split the operation");
  return next_++;
}

CoreEmitter::Reg CoreEmitter::keep() {
  const Reg r = reg();
  first_free_ = next_;
  return r;
}

CoreEmitter::Reg CoreEmitter::constant(std::int64_t value) {
  const Reg r = reg();
  set(r, value);
  return r;
}

void CoreEmitter::addi(Reg rd, Reg a, std::int64_t value) {
  emit(Opcode::addi, {{isa::addi_t::rd, rd}, {isa::addi_t::ra, a}, {isa::addi_t::value, value}});
}

void CoreEmitter::muli(Reg rd, Reg a, std::int64_t value) {
  emit(Opcode::muli, {{isa::muli_t::rd, rd}, {isa::muli_t::ra, a}, {isa::muli_t::value, value}});
}

void CoreEmitter::divi(Reg rd, Reg a, std::int64_t divisor) {
  set(kScratch, divisor);
  div(rd, a, kScratch);
}

void CoreEmitter::remi(Reg rd, Reg a, std::int64_t divisor) {
  set(kScratch, divisor);
  three(Opcode::rem, rd, a, kScratch);
}

CoreEmitter::Reg CoreEmitter::where(isa::Coordinate which) {
  const Reg r = reg();
  emit(Opcode::where, {{isa::where_t::rd, r}, {isa::where_t::which, std::int64_t(which)}});
  return r;
}

CoreEmitter::Reg CoreEmitter::rest(Reg start, std::int64_t total, std::int64_t limit) {
  const Reg r = reg();
  set(r, total);
  sub(r, r, start);
  set(kScratch, limit);
  min(r, r, kScratch);
  max(r, r, 0);
  return r;
}

CoreEmitter::Reg CoreEmitter::materialise(Amount amount) {
  const Reg r = reg();
  if (amount.is_constant())
    set(r, amount.value);
  else
    muli(r, amount.reg, amount.value);
  return r;
}

void CoreEmitter::loop(Reg count, const std::function<void()>& body, std::int64_t step) {
  const auto at = code_.size();
  emit(Opcode::loop, {{isa::loop_t::count, count}, {isa::loop_t::step, step}});
  forget_shape();
  scope(body);
  forget_shape();
  code_[at].field[isa::loop_t::length] = std::int64_t(code_.size() - at - 1);
}

void CoreEmitter::scope(const std::function<void()>& body) {
  const Reg mark = next_;
  body();
  next_ = mark;
}

CoreEmitter::Reg CoreEmitter::shape(std::initializer_list<Amount> amounts) {
  int i = 0;
  for (const auto& a : amounts) {
    auto& known = known_[std::size_t(i)];
    if (a.is_constant()) {
      if (known != a.value) set(kShape + i, a.value);
      known = a.value;
    } else {
      if (a.value == 1)
        add(kShape + i, a.reg, 0);
      else
        muli(kShape + i, a.reg, a.value);
      known.reset();
    }
    ++i;
  }
  return kShape;
}

void CoreEmitter::three(Opcode opcode, Reg rd, Reg a, Reg b) {
  emit(opcode, {{isa::add_t::rd, rd}, {isa::add_t::ra, a}, {isa::add_t::rb, b}});
}

void CoreEmitter::emit(Opcode opcode, Fields fields) {
  isa::Instruction i;
  i.opcode = opcode;
  i.source = source_;
  for (auto [field, value] : fields) i.field[std::size_t(field)] = value;
  code_.push_back(i);
}

void PeEmitter::barrier(isa::Scope scope, std::int64_t bytes, std::int64_t chips) {
  for (auto* core : {&move, &compute})
    core->emit(Opcode::barrier, {{isa::barrier_t::scope, std::int64_t(scope)},
                                 {isa::barrier_t::bytes, bytes},
                                 {isa::barrier_t::chips, chips}});
}

void PeEmitter::end() {
  for (auto* core : {&move, &compute}) core->emit(Opcode::end, {});
}

int PeEmitter::buffer(std::int64_t bytes, std::int64_t depth) {
  const int id = next_buffer_++;
  move.emit(Opcode::buffer, {{isa::buffer_t::id, id},
                             {isa::buffer_t::base, next_byte_},
                             {isa::buffer_t::bytes, bytes},
                             {isa::buffer_t::depth, depth}});
  next_byte_ += bytes * (depth ? depth : 1);
  defined_.push_back({bytes, depth});
  return id;
}

}  // namespace leto::compiler
