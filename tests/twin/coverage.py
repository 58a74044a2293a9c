#!/usr/bin/env python3
"""coverage.py BLOCK DATA WAIVERS LIST: shares of lines and toggles in Verilator's coverage data; exit code 1 below 90 %.

A line of WAIVERS: block | kind (line, toggle) | pattern of "file:line signal" | reason.
"""
import fnmatch
import os
import sys
from collections import defaultdict

LEAST = 0.90


def lines_of(data, source):
    """Numbers of lines in SOURCE.returns (inline_packages.py), beside which the data were written."""
    path = os.path.join(os.path.dirname(data), "rtl", source + ".returns")
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as file:
        return {int(line) for line in file}


def points(path):
    """Of each point: kind, place, times. Those of an arm that ends with a return are left out: the return has its own."""
    returns = {}
    with open(path, encoding="latin-1") as data:
        for line in data:
            if not line.startswith("C '"):
                continue
            key, times = line[3:].rstrip("\n").rsplit("' ", 1)
            fields = dict(part.split("\x02", 1) for part in key.split("\x01") if "\x02" in part)
            kind = fields["page"].split("/")[0].removeprefix("v_")
            if fields["f"].endswith("_pkg.sv"):  # counted in the modules' copies of their functions
                continue
            if kind != "toggle" and fields["f"] not in returns:
                returns[fields["f"]] = lines_of(path, fields["f"])
            if kind not in ("toggle", "user") and int(fields["l"]) in returns[fields["f"]]:
                continue
            place = f'{os.path.basename(fields["f"])}:{fields["l"]} {fields.get("o", "")}'
            yield "toggle" if kind == "toggle" else "line", place, int(times)


def main(block, data, waivers, listed):
    with open(waivers, encoding="utf-8") as lines:
        rows = [[c.strip() for c in line.split("|")] for line in lines if line.strip() and line[0] != "#"]
    waived = [row for row in rows if row[0] == block]
    hit, total, skipped, missed = (defaultdict(int), defaultdict(int), defaultdict(int), defaultdict(int))
    for kind, place, times in points(data):
        if not times and any(kind == w[1] and fnmatch.fnmatch(place, w[2]) for w in waived):
            skipped[kind] += 1
            continue
        total[kind] += 1
        hit[kind] += times > 0
        missed[kind, place] += times == 0
    good = bool(total["line"] and total["toggle"])
    report = []
    for kind in ("line", "toggle"):
        share = hit[kind] / max(total[kind], 1)
        good &= share >= LEAST
        report.append(f"{kind} {share:.1%} of {total[kind]} ({skipped[kind]} waived)")
    print(f"{block}: {', '.join(report)}")
    if listed == "1":
        for (kind, place), count in sorted(missed.items()):
            if count:
                print(f"  {kind} {place} {count if count > 1 else ''}")
    return 0 if good else 1


sys.exit(main(*sys.argv[1:]))
