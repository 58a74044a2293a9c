#!/usr/bin/env python3
"""coverage.py BLOCK DATA WAIVERS LIST: shares of lines and toggles in Verilator's coverage data; exit code 1 below 90 %.

A line of WAIVERS: block | kind (line, toggle) | pattern of "file:line signal" | reason.
"""
import fnmatch
import os
import sys
from collections import defaultdict

LEAST = 0.90


def points(path):
    """Of each point: kind, place, times."""
    with open(path, encoding="latin-1") as data:
        for line in data:
            if not line.startswith("C '"):
                continue
            key, times = line[3:].rstrip("\n").rsplit("' ", 1)
            fields = dict(part.split("\x02", 1) for part in key.split("\x01") if "\x02" in part)
            kind = fields["page"].split("/")[0].removeprefix("v_")
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
