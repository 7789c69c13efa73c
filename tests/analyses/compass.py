#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Trace Compass is given: the analyses' LAMI 1.0 as its specification says, and the XML analysis by the rules of its
schema, then run here on a trace as Trace Compass would."""
import collections
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

sys.dont_write_bytecode = True
sys.path[:0] = ["tests/trace"]
import traces  # noqa: E402

XML = "scripts/tracecompass/vitrine.xml"
GUEST = ["-kernel", traces.LANTERN, "-append", "run=sleep 2"]
ANALYSES = ["vmi-freq", "bt-report", "compare", "mmu-report", "irq-latency", "flame", "vmi-timeline"]
CLASSES = {"number": (int, float), "string": str, "ratio": (int, float), "duration": int, "timestamp": int}


def analysis(name, *words, status=0):
    done = subprocess.run(["scripts/" + name, *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, f"{name} {words}: status {done.returncode}: {done.stderr[-300:]}"
    return done.stdout


def described(columns):
    for column in columns:
        assert set(column) <= {"title", "class", "unit"} and column["class"] in CLASSES, column


def cells(columns, row):
    assert len(columns) == len(row), (columns, row)
    for column, value in zip(columns, row):
        if value is not None:
            assert value["class"] == column["class"] and isinstance(value["value"], CLASSES[value["class"]]), (column, value)


def lami():
    """Each phase of it, on a whole trace, on the part that Trace Compass opens, on what is none."""
    with tempfile.TemporaryDirectory() as d:
        traces.run(GUEST, d + "/t", "all,stacks")
        inside = next(where for where, _, files in os.walk(d + "/t") if "metadata" in files)
        traces.run(GUEST, d + "/dbg", "dbg")
        os.mkdir(d + "/empty")
        for name in ANALYSES:
            two = [inside] if name == "compare" else []
            assert re.fullmatch(r"1\.0\n", analysis(name, "--mi-version"))
            about = json.loads(analysis(name, "--lami", "--metadata"))
            assert about["mi-version"] == {"major": 1, "minor": 0} and about["title"] and about["description"]
            for made in about["table-classes"].values():
                assert made["title"] and made["column-descriptions"]
                described(made["column-descriptions"])
            assert analysis(name, "--lami", "--test-compatibility", inside, *two) == ""
            assert "error-message" in json.loads(analysis(name, "--test-compatibility", d + "/empty", *two, status=4))
            if name != "compare":  # which takes any events
                assert "without the events" in analysis(name, "--lami", "--test-compatibility", d + "/dbg", status=4)
            assert "error-message" in json.loads(analysis(name, "--lami", d + "/empty", *two, status=4))
            out = analysis(name, "--lami", "--output-progress", "--limit", "3", inside, *two)
            *progress, result = out.splitlines()
            for line in progress:
                assert re.match(r"[01](\.\d+)? ", line) and float(line.split()[0]) <= 1, line
            result = json.loads(result)["results"]
            assert result
            for table in result:
                begin, end = (table["time-range"][side] for side in ("begin", "end"))
                assert begin["class"] == end["class"] == "timestamp" and begin["value"] < end["value"]
                of = table["class"]
                columns = of.get("column-descriptions") or about["table-classes"][of["inherit"]]["column-descriptions"]
                described(columns)
                for row in table["data"]:
                    cells(columns, row)
        plain = json.loads(analysis("vmi-freq", "--json", d + "/t"))["tables"]["calls"]
        result = json.loads(analysis("vmi-freq", "--lami", "--limit", "unlimited", inside))["results"][0]
        assert [row[0]["value"] for row in result["data"]] == [row["call"] for row in plain]
        assert [row[1]["value"] for row in result["data"]] == [row["count"] for row in plain]
        ends = [e.ns for e in traces.read(d + "/t") if e.name == "vmi:call_exit"]
        middle = ends[len(ends) // 2]
        parts = [json.loads(analysis("vmi-freq", "--lami", *when, inside))["results"][0]["data"]
                 for when in (("--end", str(middle)), ("--begin", str(middle + 1)))]
        assert sum(row[1]["value"] for part in parts for row in part) == sum(row["count"] for row in plain)
        assert all(parts)


# The schema's elements: their attributes (required, others), and their children, in order, with how many at most (None: any).
ELEMENTS = {
    "tmfxml": ((), (), None),
    "timeGraphView": (("id",), (), [("head", 1), ("definedValue", None), ("entry", None)]),
    "xyView": (("id",), (), [("head", 1), ("entry", 1)]),
    "entry": (("path",), ("displayType", "analysisId", "displayText"), [("display", 1), ("id", 1), ("parent", 1), ("name", 1), ("entry", None)]),
    "display": (("type",), ("value", "reference"), []), "name": (("type",), ("value", "reference"), []),
    "stateProvider": (("id", "version"), (), [("head", 1), ("definedValue", None), ("location", None), ("eventHandler", None)]),
    "head": ((), (), [("analysis", None), ("traceType", None), ("label", 1)]),
    "analysis": (("id",), ("ssid",), []), "traceType": (("id",), (), []), "label": (("value",), (), []),
    "definedValue": (("name", "value"), ("color",), []),
    "location": (("id",), (), [("stateAttribute", None)]),
    "eventHandler": (("eventName",), (), [("stateChange", None)]),
    "stateChange": ((), (), [("if", 1), ("then", 1), ("else", 1), ("stateAttribute", None), ("stateValue", 1)]),
    "then": ((), (), [("if", 1), ("then", 1), ("else", 1), ("stateAttribute", None), ("stateValue", 1)]),
    "else": ((), (), [("if", 1), ("then", 1), ("else", 1), ("stateAttribute", None), ("stateValue", 1)]),
    "if": ((), (), [("condition", 1)]),
    "condition": ((), ("operator",), [("field", 1), ("stateAttribute", None), ("stateValue", 1)]),
    "field": (("name",), (), []),
    "stateAttribute": (("type",), ("value",), [("stateAttribute", None)]),
    "stateValue": (("type",), ("value", "increment"), [("stateAttribute", None)]),
}
TYPES = {"stateAttribute": {"constant", "eventField", "eventName", "location"}, "stateValue": {"int", "string", "null", "query"},
         "display": {"constant", "self"}, "name": {"constant", "self"}}
SCHEMA = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"


def fields_of_events():
    """Event -> its fields, as trace/events.def has them."""
    with open("trace/events.def") as f:
        text = f.read()
    found, head = {}, {"icount", "eip", "cr3", "cpl"}
    for provider, name, rest in re.findall(r'^EVENT\((\w+), (\w+), \w+,\n(.*?)\n\t"', text, re.M | re.S):
        found[f"vitrine_{provider}:{name}"] = head | set(re.findall(r"(?:X32|X64|U8|U16|U32|U64|STR|WORDS)\((\w+)", rest)) | \
            set(re.findall(r"LIST\(\w+, (\w+)", rest))
    return found


def elements(node):
    required, others, children = ELEMENTS[node.tag]
    assert set(required) <= set(node.attrib) <= {*required, *others, SCHEMA}, (node.tag, node.attrib)
    assert node.attrib.get("type") in TYPES.get(node.tag, {node.attrib.get("type")}), (node.tag, node.attrib)
    if children is not None:
        order = [name for name, _ in children]
        places = [order.index(child.tag) for child in node]
        assert places == sorted(places), (node.tag, [child.tag for child in node])
        for name, most in children:
            assert most is None or len(node.findall(name)) <= most, (node.tag, name)
    for child in node:
        elements(child)


def valid():
    """The rules of the schema, and that everything named is there."""
    root = ET.parse(XML).getroot()
    assert root.tag == "tmfxml"
    elements(root)
    provider, events = root.find("stateProvider"), fields_of_events()
    assert len(events) > 40 and "call" in events["vitrine_vmi:call_exit"]
    ids = [node.get("id") for node in root]
    assert len(set(ids)) == len(ids)
    defined = {node.get("name") for node in provider.findall("definedValue")}
    places = {node.get("id") for node in provider.findall("location")}
    first = set()
    for handler in provider.findall("eventHandler"):
        pattern = re.compile(handler.get("eventName").replace("*", ".*") + "$")
        meant = [name for name in events if pattern.match(name)]
        assert meant, handler.get("eventName")
        for node in handler.iter():
            value = node.get("value", "")
            if node.tag == "field" or node.get("type") == "eventField":
                assert all((node.get("name") or value) in events[name] for name in meant), (meant, node.attrib)
            assert not value.startswith("$") or value[1:] in defined, value
            assert node.get("type") != "location" or value in places, value
        for change in handler.iter("stateAttribute"):
            if change.get("type") == "constant":
                first.add(change.get("value"))
    first |= {node.get("value") for node in provider.findall("location/stateAttribute")}
    for view in root.findall("timeGraphView") + root.findall("xyView"):
        assert view.find("head/analysis").get("id") == provider.get("id") and view.find("head/label").get("value")
        for entry in view.findall("entry"):
            assert entry.get("path").split("/")[0] in first, entry.get("path")
            shown = entry.find("display")
            assert shown.get("type") == "self" or shown.get("value") in first, shown.attrib
    colors = {node.get("value"): node.get("name") for node in root.find("timeGraphView").findall("definedValue")}
    assert set(colors) == {node.get("value") for node in provider.findall("definedValue")}


class States:
    """The state system that the provider makes."""

    def __init__(self, provider):
        self.handlers = [(re.compile(h.get("eventName").replace("*", ".*") + "$"), h) for h in provider.findall("eventHandler")]
        self.defined = {n.get("name"): n.get("value") for n in provider.findall("definedValue")}
        self.places = {n.get("id"): n for n in provider.findall("location")}
        self.now, self.since = {}, {}
        self.spent = collections.Counter()  # ns by attribute and value

    def path(self, node, event):
        names = []
        for a in node.findall("stateAttribute"):
            kind, value = a.get("type"), a.get("value")
            names += self.path(self.places[value], event) if kind == "location" else \
                [value if kind == "constant" else "vitrine_" + event.name if kind == "eventName" else str(event.fields[value])]
        return names

    def value(self, node, event, path):
        kind, value = node.get("type"), node.get("value")
        if kind == "null":
            return None
        if kind == "query":
            return self.now.get("/".join(self.path(node, event)))
        if kind == "string":
            return value
        number = int(self.defined[value[1:]] if value.startswith("$") else value)
        return number + (self.now.get(path) or 0 if node.get("increment") == "true" else 0)

    def change(self, node, event):
        if node.find("if") is not None:
            condition = node.find("if/condition")
            is_so = str(event.fields[condition.find("field").get("name")]) == self.value(condition.find("stateValue"), event, "")
            chosen = node.find("then" if is_so else "else")
            if chosen is not None:
                self.change(chosen, event)
            return
        path = "/".join(self.path(node, event))
        self.spent[path, self.now.get(path)] += event.ns - self.since.get(path, event.ns)
        self.since[path], self.now[path] = event.ns, self.value(node.find("stateValue"), event, path)

    def handle(self, event):
        for pattern, handler in self.handlers:
            if pattern.match("vitrine_" + event.name):
                for node in handler.findall("stateChange"):
                    self.change(node, event)


def machine():
    """The counts at the end are the machine's own; it was in each state as long as it should be."""
    with tempfile.TemporaryDirectory() as d:
        _, counters = traces.run(GUEST, d + "/t")
        states, halted, last = States(ET.parse(XML).getroot().find("stateProvider")), 0, None
        for e in traces.read(d + "/t"):
            states.handle(e)
            if e.name == "cpu:wake" and last:
                halted += e.ns - last
            last = e.ns if e.name == "cpu:halt" else None if e.name == "cpu:wake" else last
    counted = {n[4:]: v for n, v in counters.items() if n.startswith("vmi_") and n[4].isupper()}
    assert {c: states.now.get(f"VMI/{c}/Count") for c in counted} == counted
    assert all(states.now[f"VMI/{c}/State"] is None for c in counted)
    for vector, number in traces.VECTORS.items():
        assert states.now.get("Exits/" + vector, 0) == counters.get(f"exception_{number}", 0), vector
    assert states.now["Exits/vitrine_bt:translate"] == counters["blocks"]
    assert states.now["Exits/vitrine_bt:lookup_miss"] == counters["exit_LOOKUP"]
    spaces = [path for path, value in states.now.items() if path.startswith("Spaces/") and value]
    assert len(spaces) == 1, spaces
    assert states.now["Machine/Mode"] == 7  # it has stopped
    assert states.spent["Machine/Mode", 1] > 0 and states.spent["Machine/Mode", 2] > 0 and states.spent["Machine/Mode", 5] > 0
    assert 0 < states.spent["Machine/Mode", 6] <= halted and states.spent["Machine/Mode", None] == 0, (states.spent, halted)


if importlib.util.find_spec("bt2") is None:
    print("python3-bt2 is not there")
    sys.exit(77)
traces.alone()
traces.main(lami, machine, valid)
