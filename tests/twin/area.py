#!/usr/bin/env python3
"""area.py count LOG | near GATES NEW FLIP_FLOPS NEW | document TABLE OUT: helpers of area.sh."""
import re
import sys
import tomllib

MOST = 0.05
# Of static CMOS, as `yosys stat -tech cmos` counts them; a flip-flop with enable or reset like one without.
TRANSISTORS = {"AND": 6, "OR": 6, "NAND": 4, "NOR": 4, "XOR": 12, "XNOR": 12, "MUX": 12, "NOT": 2}
FLIP_FLOP = 16

# What a block's size is linear in, for the parameters of a chip. One that is not here is counted with a chip's own.
FORMS = {
    "matrix_engine": lambda p: [1, p["InnerBytes"], p["Tiles"] * p["InnerBytes"], p["Tiles"] * p["Rows"],
                                p["Tiles"] * p["Rows"] * p["InnerBytes"]],
    "vector_lookup": lambda p: [1, p["Rate"], p["Rate"] * p["Latency"]],
    "reduction_engine": lambda p: [1, p["Rate"], p["Rate"] * p["Latency"]],
    "buffer_manager": lambda p: [1, p["Buffers"], p["Lanes"], p["Buffers"] * p["Lanes"]],
    "router": lambda p: [1, p["ClusterRows"] * p["ClusterColumns"]],
}
# The parameters that the twin of a chip has (rtl/CMakeLists.txt), and how many there are.
CHIP = {
    "matrix_engine": lambda c: {"Tiles": c["matrix_engine"]["tiles"], "Rows": 32,
                                "InnerBytes": c["matrix_engine"]["inner_bytes"]},
    "vector_lookup": lambda c: {"Rate": c["vector_engine"]["elements_per_cycle"],
                                "Latency": c["vector_engine"]["latency_cycles"]},
    "reduction_engine": lambda c: {"Rate": c["reduction_engine"]["elements_per_cycle"],
                                   "LinkBytes": c["reduction_engine"]["link_bytes_per_cycle"],
                                   "Latency": c["reduction_engine"]["latency_cycles"]},
    "buffer_manager": lambda c: {"Buffers": 32, "Lanes": 8},
    "address_generator": lambda c: {"FragmentBytes": c["fabric_interface"]["fragment_bytes"],
                                    "BucketBytes": c["fabric_interface"]["bucket_bytes"],
                                    "LineBytes": c["sram"]["line_bytes"], "ScratchBytes": c["sram"]["interleave_bytes"],
                                    "OutstandingBytes": c["fabric_interface"]["outstanding_bytes"],
                                    "PortBytes": c["fabric_interface"]["bytes_per_cycle"]},
    "router": lambda c: {"LinkBytes": c["noc"]["link_bytes_per_cycle"], "BufferBytes": c["noc"]["buffer_bytes"],
                         "ClusterRows": c["noc"]["cluster_rows"], "ClusterColumns": c["noc"]["cluster_columns"]},
    "sram_bank": lambda c: {"BankBytes": c["sram"]["bank_bytes_per_cycle"], "LatencyCycles": c["sram"]["latency_cycles"],
                            "LineBytes": c["sram"]["line_bytes"], "InterleaveBytes": c["sram"]["interleave_bytes"]},
}


def routers(c):
    up = lambda pes, in_cluster: -(-pes // in_cluster)
    return up(c["pe"]["rows"], c["noc"]["cluster_rows"]) * up(c["pe"]["columns"], c["noc"]["cluster_columns"])


def pes(c):
    return c["pe"]["rows"] * c["pe"]["columns"]


NUMBER = {"address_generator": lambda c: 2 * pes(c), "router": routers, "sram_bank": lambda c: c["sram"]["banks"]}


def count(log):
    with open(log, encoding="utf-8") as lines:
        cells = re.findall(r"^ +\$_([A-Z]+)_\S* +(\d+)$", lines.read().rsplit("Number of cells", 1)[1], re.M)
    gates = [(kind, int(n)) for kind, n in cells if kind in TRANSISTORS]
    flops = sum(int(n) for kind, n in cells if "DFF" in kind)
    if sum(n for _, n in gates) + flops != sum(int(n) for _, n in cells):
        sys.exit(f"a cell that is neither gate nor flip-flop: {cells}")
    print(sum(n for _, n in gates), flops, sum(n * TRANSISTORS[kind] for kind, n in gates) + flops * FLIP_FLOP)


def solve(rows, values):
    """Least squares by the normal equations."""
    n = len(rows[0])
    a = [[float(sum(r[i] * r[j] for r in rows)) for j in range(n)] + [float(sum(r[i] * v for r, v in zip(rows, values)))]
         for i in range(n)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda k: abs(a[k][i]))
        a[i], a[pivot] = a[pivot], a[i]
        for k in range(n):
            if k != i:
                factor = a[k][i] / a[i][i]
                a[k] = [x - factor * y for x, y in zip(a[k], a[i])]
    return [a[i][n] / a[i][i] for i in range(n)]


def read(table):
    with open(table, encoding="utf-8") as lines:
        return [line.rstrip("\n").split("\t") for line in lines][1:]


def values_of(parameters):
    return {k: int(v) for k, v in (p.split("=") for p in parameters.split())} if parameters != "-" else {}


def estimates(rows, chip):
    """Of each block: gates, flip-flops, transistors of one of the chip's, and how they were come by: counted, or the form's
    largest relative residual and how many times the largest row that is."""
    for block, parameters in CHIP.items():
        at = parameters(chip)
        own = [r for r in rows if r[0] == block and int(r[2])]
        same = [r for r in own if values_of(r[1]).items() <= at.items()]
        if same:
            yield block, [int(n) for n in same[0][2:5]], "counted"
            continue
        terms = [FORMS[block](values_of(r[1])) for r in own] if block in FORMS else []
        if not terms or len(own) < len(terms[0]):
            continue
        found, worst = [], 0.0
        for column in (2, 3, 4):
            fit = solve(terms, [int(r[column]) for r in own])
            found.append(sum(f * t for f, t in zip(fit, FORMS[block](at))))
            worst = max([worst] + [abs(sum(f * t for f, t in zip(fit, ts)) / int(r[column]) - 1)
                                   for ts, r in zip(terms, own)])
        how = f"{worst:.1%}" if len(own) > len(terms[0]) else "exact"
        yield block, found, f"{how}, x {found[2] / max(int(r[4]) for r in own):,.1f}"


def document(table, out):
    rows = read(table)
    facts = tomllib.load(open("study/tables/cost.toml", "rb"))["facts"]
    fact = {f["key"]: f for f in facts}
    density = fact["logic_density"]
    text = ["# Gates of the RTL blocks", "",
            "Generated from rtl/area.tsv by `tests/twin/area.sh --renew`: do not edit. Two-input gates of yosys' simple library,",
            "without placement, wires, clock tree or retiming; memories are flip-flops. For trends and for orders of magnitude.",
            "Transistors: static CMOS (AND, OR 6; XOR, MUX 12; NOT 2; flip-flop 16).", "",
            "| block | parameters | gates | flip-flops | transistors | seen |", "|---|---|---|---|---|---|"]
    for block, parameters, gates, flops, transistors, _, when in rows:
        text.append(f"| {block} | {parameters} | {int(gates):,} | {int(flops):,} | {int(transistors):,} | {when} |")
    text += ["", "## For a chip", "",
             "One block of a chip. Counted: a row has the chip's parameters. Else small blocks are scaled by what they are linear in",
             "(tests/twin/area.py): an extrapolation, to so many times the transistors of the largest row (x). The residual is the form's",
             "largest on the rows above; \"exact\" where there are as many rows as terms, so that nothing checks it. A form leaves out what",
             "only a counter's width depends on (a router's LinkBytes and BufferBytes). Area: transistors at",
             f"{density['value']} MTr/mm2 ({density['low']} to {density['high']}, {density['node']}; study/tables/cost.toml, source {density['from']}).", "",
             "| chip | block | gates | flip-flops | transistors | mm2 | of them | mm2 a chip | residual |",
             "|---|---|---|---|---|---|---|---|---|"]
    per_mac, per_lane = {}, {}
    for name in ("tiny", "artemis", "pilot"):
        with open(f"arch/chips/{name}.toml", "rb") as file:
            chip = tomllib.load(file)
        for block, (gates, flops, transistors), how in estimates(rows, chip):
            area = transistors / density["value"] / 1e6
            number = NUMBER.get(block, pes)(chip)
            text.append(f"| {name} | {block} | {gates:,.0f} | {flops:,.0f} | {transistors:,.0f} | {area:.4f} | {number} | "
                        f"{area * number:.2f} | {how} |")
            if block == "matrix_engine":
                e = chip["matrix_engine"]
                per_mac[name] = transistors / (e["tiles"] * 32 * e["inner_bytes"])
            if block == "vector_lookup":
                per_lane[name] = transistors / chip["vector_engine"]["elements_per_cycle"]
    mac = fact["mac_16bit_transistors"]
    if per_mac:
        text += ["", "## Beside the area table", "",
                 "study/chip_cost takes the matrix engines' area from a published figure a 16-bit MAC, "
                 f"{mac['value']:,.0f} transistors ({mac['low']:,.0f}",
                 f"to {mac['high']:,.0f}; {mac['note']}; source {mac['from']}). The RTL has a lane for each 8-bit MAC, and every",
                 "lane takes all four types:", "",
                 "| chip | transistors a lane (held rows and control included) | a 16-bit MAC (two lanes where 8 bit runs at double rate) |",
                 "|---|---|---|"]
        text += [f"| {name} | {v:,.0f} | {2 * v:,.0f} |" for name, v in per_mac.items()]
        most = 2 * max(per_mac.values()) / mac["high"]
        text += ["", "The record's figures stay with the published one: it is of laid-out silicon, this is not, and our lanes are not cut",
                 f"for 8 bit. As written, with an fp32 accumulation that keeps subnormals in every 8-bit lane, a 16-bit MAC takes up to {most:.1f} times",
                 "the high end of the range."]
    lane = fact["lane_transistors"]
    if per_lane:
        text += ["", f"A vector lane of that table has {lane['value']:,.0f} transistors (to {lane['high']:,.0f}; {lane['note']}). The lookup path's lane here has",
                 ", ".join(f"{v:,.0f} ({name})" for name, v in per_lane.items()) + ": six functions, each an",
                 "arithmetic chain of its own in one cycle's logic. A lane that took its functions one after the other through one fused",
                 "multiply-add would need a part of it, and no longer a beat a cycle. The record's figures do not take it."]
    with open(out, "w", encoding="utf-8") as file:
        file.write("\n".join(text) + "\n")


if sys.argv[1] == "count":
    count(sys.argv[2])
elif sys.argv[1] == "near":
    old_new = [(int(a), int(b)) for a, b in zip(sys.argv[2::2], sys.argv[3::2])]
    sys.exit(any(abs(new - old) > MOST * old for old, new in old_new))
else:
    document(sys.argv[2], sys.argv[3])
