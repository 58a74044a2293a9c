#!/usr/bin/env python3
"""plain_verilog.py XML [FUNCTION...] [show=ARRAY...]: a block as plain Verilog, from what `verilator --xml-only` made of its SystemVerilog.

Debian's yosys 0.23 reads neither packed arrays of arrays nor `return` nor functions of a named type. Verilator has
resolved parameters, packages, types and widths; this writes one flat vector for each packed type, functions without
`return` (what follows a conditional one goes into the other branch), and loops unrolled. tests/twin/synthesis.sh runs
the random commands of test_twin on the result. A construct it does not know ends it.

FUNCTIONs (package__name) become modules of their own, kept as hierarchy, and each call an instance: yosys reads a function
anew at each call, and a call in a call again. Functions that call them become modules too, which may be flattened.
ARRAYs of registers of the top module come out as ports, their words one behind the other: proofs speak of them.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

BINARY = {"add": "+", "sub": "-", "mul": "*", "div": "/", "moddiv": "%", "and": "&", "or": "|", "xor": "^", "eq": "==",
          "neq": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "shiftl": "<<", "shiftr": ">>", "logand": "&&",
          "logor": "||", "eqcase": "==", "neqcase": "!="}
SIGNED = {"gts": ">", "gtes": ">=", "lts": "<", "ltes": "<="}
UNARY = {"not": "~", "lognot": "!", "negate": "-", "redand": "&", "redor": "|", "redxor": "^"}
FOLDED = {"add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "and": lambda a, b: a & b,
          "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b, "eq": lambda a, b: a == b, "neq": lambda a, b: a != b,
          "gt": lambda a, b: a > b, "gte": lambda a, b: a >= b, "lt": lambda a, b: a < b, "lte": lambda a, b: a <= b,
          "gts": lambda a, b: a > b, "gtes": lambda a, b: a >= b, "lts": lambda a, b: a < b,
          "ltes": lambda a, b: a <= b, "shiftl": lambda a, b: a << b, "shiftr": lambda a, b: a >> b}


def fail(node, why):
    sys.exit(f"plain_verilog.py: {why}: <{node.tag}> at {node.get('loc')}")


class Design:
    def __init__(self, path, options):
        self.units = {o for o in options if not o.startswith("show=")}
        self.shown = [o.removeprefix("show=") for o in options if o.startswith("show=")]
        self.parts = {}         # functions that are modules: emitted name -> text
        self.reach = {}         # does a function call a unit?
        self.root = ElementTree.parse(path).getroot()
        self.types = {t.get("id"): t for t in self.root.find("netlist/typetable") if t.get("id")}
        self.files = {f.get("id"): f.get("filename") for f in self.root.find("files")}
        self.sources = {}
        self.top = next(m.get("name") for m in self.root.findall("netlist/module") if m.get("topModule") == "1")
        self.packages = {p.get("name"): {f.get("name"): f for f in p.findall("func")}
                         for p in self.root.findall("netlist/package")}

    def width(self, dtype_id):
        t = self.types[dtype_id]
        if t.tag == "basicdtype":
            if t.get("left"):
                return int(t.get("left")) - int(t.get("right")) + 1
            return 32 if t.get("name") in ("int", "integer") else 1
        if t.tag in ("refdtype", "enumdtype"):
            return self.width(t.get("sub_dtype_id"))
        if t.tag == "packarraydtype":
            return self.range(t) * self.width(t.get("sub_dtype_id"))
        if t.tag == "structdtype":
            return sum(self.width(m.get("sub_dtype_id")) for m in t)
        fail(t, "no width")

    def array(self, dtype_id):
        """Elements of an unpacked array and the type of one; None of another type."""
        t = self.types[dtype_id]
        while t.tag == "refdtype":
            t = self.types[t.get("sub_dtype_id")]
        return (self.range(t), t.get("sub_dtype_id")) if t.tag == "unpackarraydtype" else None

    def reaches(self, function, package):
        """Whether this function is a unit or one that calls them."""
        key = f"{package}__{function.get('name')}"
        if key not in self.reach:
            self.reach[key] = key in self.units
            for call in function.iter("funcref"):
                of = self.qualifier(call) or package
                if of in self.packages and self.reaches(self.packages[of][call.get("name")], of):
                    self.reach[key] = True
        return self.reach[key]

    @staticmethod
    def range(t):
        left, right = (constant(c) for c in t.find("range"))
        if min(left, right):
            fail(t, "a range that does not begin at 0")
        return abs(left - right) + 1

    def signed(self, dtype_id):
        t = self.types[dtype_id]
        while t.tag in ("refdtype", "enumdtype"):
            t = self.types[t.get("sub_dtype_id")]
        return t.get("signed") == "true"

    def qualifier(self, node):
        """The package written before a name, which the XML leaves out."""
        file, line, column = node.get("loc").split(",")[:3]
        if file not in self.sources:
            with open(self.files[file], encoding="utf-8") as text:
                self.sources[file] = text.read().split("\n")
        found = re.search(r"(\w+)::$", self.sources[file][int(line) - 1][:int(column) - 1])
        return found.group(1) if found else None


def constant(node):
    size, digits = node.get("name").split("'")
    digits = digits.lstrip("s")
    value = int(digits[1:].replace("_", ""), {"h": 16, "b": 2, "d": 10, "o": 8}[digits[0]])
    return value & ((1 << int(size)) - 1)


class Module:
    def __init__(self, design, node):
        self.design, self.node = design, node
        self.functions = {f.get("name"): f for f in node.findall("func")}
        self.made = {}      # functions: emitted name -> text
        self.helpers = {}
        self.declared = []
        self.instances, self.hoisted, self.locals = [], [], []
        self.before = []    # assignments that the statement under way needs before it
        self.count = 0
        self.scopes = [{}]  # name -> (emitted name, dtype)
        self.package = None
        self.hierarchy = bool(design.units)
        self.loop = {}      # emitted name of a loop's variable -> its value now

    # ---- names ----
    def declare(self, var, name=None):
        taken = name or var.get("name")
        if len(self.scopes) > 1 and not name:
            self.count += 1
            taken = f"{taken}__{self.count}"
        self.scopes[-1][var.get("name")] = (taken, var.get("dtype_id"))
        return taken

    def find(self, node):
        for scope in reversed(self.scopes):
            if node.get("name") in scope:
                return scope[node.get("name")]
        fail(node, f"no variable {node.get('name')}")

    # ---- values that are known while a loop is unrolled ----
    def fold(self, node):
        if node.tag == "const":
            return constant(node)
        if node.tag == "varref":
            return self.loop.get(self.find(node)[0])
        if node.tag not in FOLDED and node.tag not in ("sel", "extend", "extends"):
            return None
        parts = [self.fold(part) for part in node]
        if None in parts:
            return None
        if node.tag == "sel":
            value = parts[0] >> parts[1]
        elif node.tag in ("gts", "gtes", "lts", "ltes", "extends"):
            widths = [self.design.width(part.get("dtype_id")) for part in node]
            parts = [p - (1 << w) if p >> (w - 1) else p for p, w in zip(parts, widths)]
            value = parts[0] if node.tag == "extends" else FOLDED[node.tag](*parts)
        else:
            value = parts[0] if node.tag == "extend" else FOLDED[node.tag](*parts)
        return int(value) & ((1 << self.design.width(node.get("dtype_id"))) - 1)

    # ---- expressions ----
    def literal(self, value, width):
        return f"{width}'h{value:x}"

    def expression(self, node):
        width = self.design.width(node.get("dtype_id")) if not self.design.array(node.get("dtype_id")) else 0
        known = self.fold(node)
        if known is not None:
            return self.literal(known, width)
        parts = list(node)
        tag = node.tag
        if tag == "varref":
            return self.find(node)[0]
        if tag in ("sel", "arraysel"):
            return self.select(node)
        if tag in BINARY:
            return f"({self.expression(parts[0])} {BINARY[tag]} {self.expression(parts[1])})"
        if tag in SIGNED:
            return f"($signed({self.expression(parts[0])}) {SIGNED[tag]} $signed({self.expression(parts[1])}))"
        if tag == "shiftrs":
            return f"$unsigned($signed({self.expression(parts[0])}) >>> {self.expression(parts[1])})"
        if tag in UNARY:
            return f"({UNARY[tag]}{self.expression(parts[0])})"
        if tag == "cond":
            condition = self.fold(parts[0])
            if condition is not None:
                return self.expression(parts[1 if condition else 2])
            return "({} ? {} : {})".format(*(self.expression(p) for p in parts))
        if tag == "concat":
            return f"{{{self.expression(parts[0])}, {self.expression(parts[1])}}}"
        if tag == "replicate":
            return f"{{{constant(parts[1])}{{{self.expression(parts[0])}}}}}"
        if tag == "extend":
            more = width - self.design.width(parts[0].get("dtype_id"))
            inner = self.expression(parts[0])
            return f"{{{more}'b0, {inner}}}" if more else inner
        if tag == "extends":
            return self.sign_extended(parts[0], width)
        if tag == "funcref":
            return self.call(node)
        fail(node, "not translated")

    def sign_extended(self, node, width):
        of = self.design.width(node.get("dtype_id"))
        name = f"extend_{of}_{width}"
        self.helpers[name] = (f"  function automatic [{width - 1}:0] {name}(input [{of - 1}:0] x);\n"
                              f"    {name} = {{{{{width - of}{{x[{of - 1}]}}}}, x}};\n  endfunction\n")
        return f"{name}({self.expression(node)})" if width > of else self.expression(node)

    def select(self, node):
        """Selections of selections of a packed vector are one; an element of an unpacked array is a word of a memory."""
        width = self.design.width(node.get("dtype_id")) if node.tag == "sel" else 0
        lsb, terms, inner = 0, [], node
        while inner.tag == "sel":
            value = self.fold(inner[1])
            if value is None:
                value = 0
                terms.append(f"{{{32 - self.design.width(inner[1].get('dtype_id'))}'b0, {self.expression(inner[1])}}}"
                             if self.design.width(inner[1].get("dtype_id")) < 32 else self.expression(inner[1]))
            lsb += value
            inner = inner[0]
        if inner.tag == "arraysel":
            if inner[0].tag != "varref":
                fail(inner, "an array of arrays")
            base = f"{self.find(inner[0])[0]}[{self.expression(inner[1])}]"
        elif inner.tag == "varref":
            base = self.find(inner)[0]
        else:
            if terms:
                fail(node, "a part of an expression at an index that is not constant")
            of = self.design.width(inner.get("dtype_id"))
            name = f"part_{of}_{lsb}_{width}"
            self.helpers[name] = (f"  function automatic [{width - 1}:0] {name}(input [{of - 1}:0] x);\n"
                                  f"    {name} = x[{lsb + width - 1}:{lsb}];\n  endfunction\n")
            return f"{name}({self.expression(inner)})"
        if node.tag == "arraysel":
            return base
        if terms:
            return f"{base}[{' + '.join(terms + ([str(lsb)] if lsb else []))} +: {width}]"
        if inner.tag == "varref" and self.design.width(inner.get("dtype_id")) == 1:
            return base
        if inner.tag == "arraysel" and self.design.width(inner.get("dtype_id")) == 1:
            return base
        return f"{base}[{lsb + width - 1}:{lsb}]"

    def call(self, node):
        package = self.design.qualifier(node)
        name = node.get("name")
        if package is None and self.package is None and name in self.functions:
            function = self.functions[name]
        else:
            package = package or self.package
            function = self.design.packages[package][name]
        emitted = f"{package}__{name}" if package else name
        if self.hierarchy and self.design.reaches(function, package):
            return self.instance(node, function, emitted, package) if package else self.hoist(node, function)
        if emitted not in self.made:
            self.made[emitted] = ""
            self.made[emitted] = self.function(function, emitted, package)
        return f"{emitted}({', '.join(self.expression(arg[0]) for arg in node) or '''1'b0'''})"

    # ---- functions as modules ----
    def register(self, name, dtype_id):
        self.declared.append(f"  reg [{self.design.width(dtype_id) - 1}:0] {name};\n")
        self.locals.append(name)

    def instance(self, node, function, emitted, package):
        """A call of a function that is a module: its operands are set before the statement."""
        if emitted not in self.design.parts:
            self.design.parts[emitted] = ""
            self.design.parts[emitted] = Module(self.design, function).part(emitted, package)
        self.count += 1
        name, pins = f"{emitted}__{self.count}", []
        for var, arg in zip((v for v in function.findall("var") if v.get("dir") == "input"), node):
            pin = f"{name}_{var.get('name')}" + ("_in" if var.get("name") == "y" else "")  # not the result
            value = self.expression(arg[0])
            self.register(pin, var.get("dtype_id"))
            self.before.append(f"{pin} = {value};\n")
            pins.append(f".{var.get('name')}({pin})")
        self.instances.append(f"  wire [{self.design.width(function.get('dtype_id')) - 1}:0] {name}_y;\n"
                              f"  {emitted} {name} ({', '.join(pins)}, .value({name}_y));\n")
        return f"{name}_y"

    def hoist(self, node, function):
        """A call of a module's own function that calls such ones, of nets only: its body in a process of its own."""
        self.count += 1
        result = f"{function.get('name')}__{self.count}"
        values = [self.expression(arg[0]) for arg in node]
        outer = self.scopes, self.loop, self.locals, self.before
        self.scopes, self.loop, self.locals, self.before = [self.scopes[0], {}], {}, [], []
        text = ""
        for var in function.findall("var"):
            if var.get("dir") == "output":
                self.register(self.declare(var, result), var.get("dtype_id"))
            elif var.get("dir") == "input":
                name = self.declare(var)
                self.register(name, var.get("dtype_id"))
                text += f"    {name} = {values.pop(0)};\n"
            else:
                self.variable(var)
        text += self.statements([n for n in function if n.tag != "var"], "    ")
        self.hoisted.append(self.process(text))
        self.scopes, self.loop, self.locals, self.before = outer
        return result

    def process(self, text):
        """A combinational process; what an arm leaves out is nobody's concern, so it is no latch."""
        return "  always @* begin\n" + "".join(f"    {name} = 'bx;\n" for name in self.locals) + text + "  end\n"

    def part(self, emitted, package):
        self.package, self.whole = package, set()
        self.hierarchy = emitted not in self.design.units
        ports = []
        for var in self.node.findall("var"):
            if var.get("dir") == "output":
                self.locals.append(self.declare(var, "value"))
            elif var.get("dir") == "input":
                ports.append(f"input [{self.design.width(var.get('dtype_id')) - 1}:0] {self.declare(var, var.get('name'))}")
            else:
                self.variable(var)
        text = self.statements([n for n in self.node if n.tag != "var"], "    ")
        kept = "" if self.hierarchy else "(* keep_hierarchy *)\n"
        return (f"{kept}module {emitted}({', '.join(ports)}, output reg [{self.design.width(self.node.get('dtype_id')) - 1}:0] value);\n"
                + "".join(self.declared) + "".join(self.instances) + "".join(self.helpers.values())
                + "".join(self.made.values()) + self.process(text) + "endmodule\n")

    def function(self, node, emitted, package):
        outer = self.scopes, self.package, self.declared, self.loop, self.locals
        self.scopes, self.package, self.declared, self.loop, self.locals = [self.scopes[0], {}], package, [], {}, []
        inputs = []
        for var in node.findall("var"):
            if var.get("dir") == "output" and var.get("name") == node.get("name"):
                self.declare(var, emitted)
            elif var.get("dir") == "input":
                inputs.append(f"input [{self.design.width(var.get('dtype_id')) - 1}:0] {self.declare(var)}")
            else:
                self.variable(var)
        body = self.statements([n for n in node if n.tag != "var"], "    ")
        pragma = "    /* verilator no_inline_task */\n" if node.find(".//pragma") is not None else ""
        text = (f"  function automatic [{self.design.width(node.get('dtype_id')) - 1}:0] {emitted}"
                f"({', '.join(inputs) or 'input unused'});\n" + pragma + "".join(self.declared) + "    begin\n" + body
                + "    end\n  endfunction\n")
        self.scopes, self.package, self.declared, self.loop, self.locals = outer
        return text

    # ---- statements ----
    def variable(self, var):
        name = self.declare(var)
        array = self.design.array(var.get("dtype_id"))
        if array:
            whole = "(* mem2reg *) " if var.get("name") in self.whole else ""
            self.declared.append(f"  {whole}reg [{self.design.width(array[1]) - 1}:0] {name} [0:{array[0] - 1}];\n")
        else:
            self.register(name, var.get("dtype_id"))

    def flat(self, nodes):
        """Statements without blocks that only group; a jump block holds a function's body (checked in `leaves`)."""
        for node in nodes:
            if node.tag == "jumpblock" or (node.tag == "begin" and not node.findall("var")):
                yield from self.flat(node)
            elif node.tag not in ("jumplabel", "pragma", "typedef", "comment"):
                yield node

    def leaves(self, nodes):
        """Whether these statements end in a `return`."""
        for before, node in zip([None] + nodes, nodes):
            if node.tag == "jumpgo":
                if before is None or before.tag != "assign":
                    fail(node, "a jump that is no return")
                return True
            if node.tag == "if" and len(node) > 2 and all(self.leaves(list(self.flat([b]))) for b in node[1:]):
                return True
            if node.tag == "case" and all(self.leaves(arm) for _, arm in self.arms(node)) \
                    and any(not conditions for conditions, _ in self.arms(node)):
                return True
        return False

    def arms(self, node):
        for item in node.findall("caseitem"):
            conditions = [n for n in item if n.get("dtype_id") and n.tag not in ("assign", "assigndly")]
            yield conditions, list(self.flat([n for n in item if n not in conditions]))

    def statements(self, nodes, indent):
        nodes = list(self.flat(nodes))
        text = ""
        for i, node in enumerate(nodes):
            if node.tag == "jumpgo":
                return text
            outer, self.before = self.before, []
            returns = node.tag in ("if", "case") and node.find(".//jumpgo") is not None
            one = self.branch(node, nodes[i + 1:], indent) if returns else self.statement(node, indent)
            text += "".join(indent + line for line in self.before) + one
            self.before = outer
            if returns:
                return text
        return text

    def branch(self, node, rest, indent):
        """An `if` or `case`; an arm that does not return goes on with `rest`."""
        go_on = lambda arm: arm if self.leaves(arm) else arm + rest
        if node.tag == "if":
            condition = self.fold(node[0])
            yes, no = list(self.flat([node[1]])), list(self.flat(node[2:3]))
            if condition is not None:
                return self.statements(go_on(yes if condition else no), indent)
            no = go_on(no)
            text = f"{indent}if ({self.expression(node[0])}) begin\n{self.statements(go_on(yes), indent + '  ')}"
            if no:
                text += f"{indent}end else begin\n{self.statements(no, indent + '  ')}"
            return text + f"{indent}end\n"
        arms = sorted(self.arms(node), key=lambda arm: not arm[0])
        if all(conditions for conditions, _ in arms):
            arms.append(([], []))
        text = f"{indent}case ({self.expression(node[0])})\n"
        for conditions, arm in arms:
            label = ", ".join(self.expression(c) for c in conditions) or "default"
            text += f"{indent}  {label}: begin\n{self.statements(go_on(arm), indent + '    ')}{indent}  end\n"
        return text + f"{indent}endcase\n"

    def statement(self, node, indent):
        if node.tag in ("if", "case"):
            return self.branch(node, [], indent)
        if node.tag == "begin":
            self.scopes.append({})
            loops = {n[1].get("name") for n in node.findall("assign") if node.find("while") is not None}
            for var in node.findall("var"):
                if var.get("name") in loops:
                    self.declare(var)
                else:
                    self.variable(var)
            text = self.block([n for n in node if n.tag != "var"], indent, loops)
            self.scopes.pop()
            return text
        if node.tag in ("assign", "assigndly"):
            return self.assignment(node, indent)
        fail(node, "not translated")

    def block(self, nodes, indent, loops):
        text = ""
        for node in nodes:
            if node.tag == "assign" and node[1].tag == "varref" and node[1].get("name") in loops:
                self.set(node)
            elif node.tag == "while":
                text += self.unrolled(node, indent)
            else:
                text += self.statements([node], indent)
        return text

    def set(self, node):
        self.loop[self.find(node[1])[0]] = self.fold(node[0])

    def unrolled(self, node, indent):
        _, condition, body, *step = [list(part) for part in node]
        step = step[0] if step else [body.pop()]
        text = ""
        while self.fold(condition[0]):
            text += self.statements(body, indent)
            for one in step:
                self.set(one)
        if self.fold(condition[0]) is None:
            fail(node, "a loop that is not constant")
        return text

    def assignment(self, node, indent):
        sign = "<=" if node.tag == "assigndly" else "="
        array = self.design.array(node[1].get("dtype_id"))
        if not array:
            return f"{indent}{self.target(node[1])} {sign} {self.expression(node[0])};\n"
        to, text = self.target(node[1]), ""
        for i in range(array[0]):
            if node[0].tag == "initarray":
                item = node[0].find(f"inititem[@index='{i}']")
                item = item if item is not None else node[0].findall("inititem")[i]
                value = self.expression(item[0])
            else:
                value = f"{self.expression(node[0])}[{i}]"
            text += f"{indent}{to}[{i}] {sign} {value};\n"
        return text

    def target(self, node):
        if node.tag == "concat":
            return f"{{{self.target(node[0])}, {self.target(node[1])}}}"
        return self.expression(node)

    # ---- the module ----
    def emit(self):
        self.whole = {n[1].get("name") for tag in ("assign", "assigndly") for n in self.node.iter(tag)
                      if n[1].tag == "varref" and self.design.array(n[1].get("dtype_id"))}
        # Words written in combinational logic are no memory either.
        self.whole |= {s[0].get("name") for n in self.node.iter("assign") for s in n[1].iter("arraysel")}
        driven = {v.get("name") for n in self.node.iter() if n.tag in ("assign", "assigndly") for v in self.targets(n[1])}
        ports, body = [], []
        for var in self.node.findall("var"):
            if var.get("localparam") or var.get("param"):
                continue
            name = self.declare(var)
            if var.get("dir"):
                kind = " reg" if name in driven else ""
                ports.append(f"  {var.get('dir')}{kind} [{self.design.width(var.get('dtype_id')) - 1}:0] {name}")
            else:
                self.wire(var, name, name in driven)
        for node in self.node:
            body.append(self.item(node))
        if self.node.get("name") == self.design.top:
            for name in self.design.shown:
                words, dtype_id = self.design.array(self.scopes[0][name][1])
                ports.append(f"  output [{words * self.design.width(dtype_id) - 1}:0] {name}_shown")
                body.append(f"  assign {name}_shown = {{{', '.join(f'{name}[{i}]' for i in reversed(range(words)))}}};\n")
        return (f"module {self.node.get('name')}(\n" + ",\n".join(ports) + "\n);\n" + "".join(self.declared)
                + "".join(self.instances) + "".join(self.helpers.values()) + "".join(self.made.values())
                + "".join(self.hoisted) + "".join(body) + "endmodule\n")

    def targets(self, node):
        """The variables that an assignment's left side writes."""
        if node.tag == "concat":
            return [v for part in node for v in self.targets(part)]
        return [node] if node.tag == "varref" else self.targets(node[0])

    def wire(self, var, name, driven):
        array = self.design.array(var.get("dtype_id"))
        if array:
            whole = "(* mem2reg *) " if var.get("name") in self.whole else ""
            self.declared.append(f"  {whole}reg [{self.design.width(array[1]) - 1}:0] {name} [0:{array[0] - 1}];\n")
        else:
            kind = "reg" if driven else "wire"
            self.declared.append(f"  {kind} [{self.design.width(var.get('dtype_id')) - 1}:0] {name};\n")

    def item(self, node):
        if node.tag in ("var", "func", "typedef", "comment"):
            return ""
        if node.tag == "contassign":
            return f"  assign {self.target(node[1])} = {self.expression(node[0])};\n"
        if node.tag in ("always", "initial"):
            tree = node.find("sentree")
            edges = "*" if tree is None else "({})".format(" or ".join(
                f"{'posedge' if s.get('edgeType') == 'POS' else 'negedge'} {self.expression(s[0])}" for s in tree))
            self.scopes.append({})
            text = self.statements([n for n in node if n.tag != "sentree"], "    ")
            self.scopes.pop()
            return f"  always @{edges} begin\n{text}  end\n"
        if node.tag == "begin":
            self.scopes.append({})
            for var in node.findall("var"):
                if not var.get("localparam") and not var.get("param"):
                    self.wire(var, self.declare(var), False)
            text = "".join(self.item(n) for n in node)
            self.scopes.pop()
            return text
        if node.tag == "instance":
            self.count += 1
            pins = ",\n".join(f"    .{p.get('name')}({self.expression(p[0]) if len(p) else ''})" for p in node)
            return f"  {node.get('defName')} {node.get('name')}__{self.count} (\n{pins}\n  );\n"
        fail(node, "not translated")


def main(path, options):
    design = Design(path, options)
    print("// Generated by tests/twin/plain_verilog.py.")
    for module in design.root.findall("netlist/module"):
        print(Module(design, module).emit())
    for part in design.parts.values():
        print(part)


main(sys.argv[1], sys.argv[2:])
