#!/usr/bin/env python3
"""inline_packages.py MODULE.sv PACKAGE.sv...: gives the module a copy of its own of each function of the packages, for coverage.

Verilator counts the lines of a module's functions, and none of a package's: so they are counted where they are called. What
it counts of an arm stands at the arm's end, which an arm that returns never comes to: each return gets a point of its own
(cover), and MODULE.sv.returns lists the lines at which such an arm begins."""
import re
import sys

FUNCTION = re.compile(r"^  function automatic .*?^  endfunction\n", re.M | re.S)
RETURN = re.compile(r"\breturn ([^;]*);")


def copies_of(packages):
    """The functions, called PACKAGE_NAME, and (package, name) of each."""
    copies, names = "", []
    for path in packages:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        package = re.search(r"^package (\w+);", text, re.M)[1]
        functions = FUNCTION.findall(text)
        own = [re.search(r"(\w+)\(", function)[1] for function in functions]
        calls = re.compile(r"(?<![\w:.$'])(%s)\(" % "|".join(own))
        copies += f"  import {package}::*;\n" + "".join(calls.sub(package + r"_\1(", f) for f in functions)
        names += [(package, name) for name in own]
    return copies, names


def reachable(copies, body):
    """Those that the module calls, directly or not."""
    imports = re.findall(r"^  import .*\n", copies, re.M)
    functions = {re.search(r"(\w+)\(", f)[1]: f for f in FUNCTION.findall(copies)}
    called, todo = set(), [body]
    while todo:
        text = todo.pop()
        for name in functions.keys() - called:
            if name + "(" in text:
                called.add(name)
                todo.append(functions[name])
    return "".join(imports) + "".join(f for name, f in functions.items() if name in called)


def returning(lines):
    """Numbers of the lines at which an arm or a function begins that ends with a return."""
    indent = lambda line: len(line) - len(line.lstrip())
    for number, line in enumerate(lines):
        if not RETURN.search(line):
            continue
        yield number + 1
        if not line.lstrip().startswith("return") or not re.match(r" *end", lines[number + 1]):
            continue
        yield next(n + 1 for n in range(number, -1, -1) if lines[n].strip() and indent(lines[n]) < indent(line))


def main(module, packages):
    copies, names = copies_of(packages)
    with open(module, encoding="utf-8") as file:
        head, body = file.read().split("\n);\n", 1)
    for package, name in names:
        body = body.replace(f"{package}::{name}(", f"{package}_{name}(")
        copies = copies.replace(f"{package}::{name}(", f"{package}_{name}(")
    text = head + "\n);\n" + reachable(copies, body) + body
    with open(module + ".returns", "w", encoding="utf-8") as file:
        file.write("".join(f"{number}\n" for number in sorted(set(returning(text.split("\n"))))))
    with open(module, "w", encoding="utf-8") as file:
        file.write(RETURN.sub(r"begin cover (1); return \1; end", text))


main(sys.argv[1], sys.argv[2:])
