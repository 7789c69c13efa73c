#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The analyses in scripts/ beside the machine's own counters, and beside the same figures taken in the plainest way from
what babeltrace2 prints."""
import bisect
import collections
import csv
import html.parser
import importlib.util
import io
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import xml.dom.minidom

sys.dont_write_bytecode = True
sys.path[:0] = ["tests/trace", "scripts"]
import traces  # noqa: E402

LANTERN = ["-kernel", traces.LANTERN, "-append", "tour"]
FORKS = ["-kernel", traces.LANTERN, "-append", "run=bench fork 30"]


def analysis(name, *words, status=0):
    done = subprocess.run(["scripts/" + name, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == status, f"{name} {words}: status {done.returncode}: {done.stderr[-300:]}"
    return done


def tables(name, *words):
    return json.loads(analysis(name, "--json", "--top", "0", *words).stdout)["tables"]


def exact(values, p):
    """The smallest value that p in a hundred are not above."""
    return sorted(values)[max(-(-len(values) * p // 100), 1) - 1]


def near(value, right, what):
    assert abs(value - right) <= right * 0.01, f"{what}: {value}, should be {right}"


def histogram():
    from vitrine_trace import Histogram
    h = Histogram()
    for value in (3, 1, 2, 100, 4):
        h.add(value)
    assert (h.count, h.total, h.mean(), h.most) == (5, 110, 22, 100)
    assert [h.percentile(p) for p in (20, 50, 80, 99, 100)] == [1, 3, 4, 100, 100]
    assert Histogram().percentile(50) == 0 and Histogram().mean() == 0
    numbers = random.Random(1)
    for most in (127, 128, 129, 1 << 20, 1 << 63):
        values = [numbers.randrange(most) for _ in range(2000)]
        h = Histogram()
        for value in values:
            h.add(value)
        for p in (1, 50, 99, 100):
            near(h.percentile(p), exact(values, p), f"p{p} below {most}")
        assert len(h.classes) <= 64 * 64


def frequent():
    from vitrine_trace import Frequent
    f = Frequent(8)
    for what in "aaabbc":
        f.add(what)
    assert f.most() == [("a", 3), ("b", 2), ("c", 1)] and f.whole
    for n in range(1000):
        f.add(n)
        f.add("a")
    assert f.most(1) == [("a", 1003)] and not f.whole and len(f.count) <= 8


def series():
    from vitrine_trace import Series
    s = Series(100, most=2)
    for icount in (100, 1123, 1124, 100 + 3 * 1024):
        s.add(icount, "x")
    assert [(b, n, c["x"]) for b, n, c in s.rows()] == [(100, 1024, 2), (1124, 1024, 1), (2148, 1024, 0), (3172, 1024, 1)]
    s.add(100 + 4 * 1024, "y")
    assert [(b, n, c["x"], c["y"]) for b, n, c in s.rows()] == [(100, 2048, 3, 0), (2148, 2048, 1, 0), (4196, 2048, 0, 1)]
    s.add(100 + 4095 * 1024, "x")
    assert len(s.rows()) <= 4 and sum(c["x"] for _, _, c in s.rows()) == 5


def vmi_freq():
    """Lantern's tour."""
    with tempfile.TemporaryDirectory() as d:
        _, counters = traces.run(LANTERN, d + "/t", "vmi,calls")
        by = tables("vmi-freq", d + "/t")
        ended, values = collections.defaultdict(list), collections.Counter()
        for e in traces.read(d + "/t"):
            if e.name == "vmi:call_exit":
                ended[e.fields["call"]].append(e.fields)
            elif e.name == "vmi:OUTB":
                values["port", e.fields["port"]] += 1
                values["value", e.fields["value"]] += 1
        csv_text = analysis("vmi-freq", "--csv", "--only", "calls", d + "/t").stdout
        shown = analysis("vmi-freq", d + "/t").stdout
        start = json.load(open(d + "/t/vitrine/counters-start.json"))
        end = json.load(open(d + "/t/vitrine/counters.json"))
    calls = {row["call"]: row for row in by["calls"]}
    counted = {n[4:]: v for n, v in counters.items() if n.startswith("vmi_") and n[4].isupper()}
    assert {c: row["count"] for c, row in calls.items()} == counted
    total, seconds = counters["vmi_calls"], (end["guest_ns"] - start.get("guest_ns", 0)) / 1e9
    for call, row in calls.items():
        insns, ns = [f["insns"] for f in ended[call]], [f["ns"] for f in ended[call]]
        near(row["insns"], sum(insns) / len(insns), call)
        near(row["ns"], sum(ns) / len(ns), call)
        assert row["ns_total"] == sum(ns)
        for p in (50, 99):
            near(row[f"insns_p{p}"], exact(insns, p), f"{call} insns p{p}")
            near(row[f"ns_p{p}"], exact(ns, p), f"{call} ns p{p}")
        near(row["per_s"], len(ns) / seconds, call + " rate")
        assert abs(row["share"] - len(ns) / total) < 1e-5
    for table in ("callers", "spaces", "time"):
        assert sum(row["count"] for row in by[table]) == total, table
    assert any(row["caller"] == "serial_put" and row["call"] == "OUTB" for row in by["callers"])
    spaces = collections.Counter(f["cr3"] for fields in ended.values() for f in fields)
    assert {int(row["cr3"], 16): row["count"] for row in by["spaces"]} == spaces
    for row in by["values"]:
        if row["call"] == "OUTB":
            assert values[row["argument"], int(row["value"], 16)] == row["count"], row
    assert any(row["call"] == "OUTB" and row["value"] == "0x000003f8" for row in by["values"])
    rows = list(csv.DictReader(io.StringIO(csv_text)))
    assert [row["call"] for row in rows] == list(calls) and rows[0]["count"] == str(by["calls"][0]["count"])
    assert f"{total} VMI calls in {seconds:.3f} s of guest time" in shown and len(shown.splitlines()) > 60


def bt_report():
    """Lantern's tour, also with so little room for code that all is forgotten now and then, and without windows."""
    for mode in [], ["-translator", "code=262144"], ["-translator", "windows=off"]:
        with tempfile.TemporaryDirectory() as d:
            _, counters = traces.run(mode + LANTERN, d + "/t", "bt,cpu:sample")
            by = tables("bt-report", d + "/t")
            times, samples = collections.Counter(), 0
            for e in traces.read(d + "/t"):
                if e.name == "bt:translate" and not e.fields["temporary"]:
                    times[e.fields["pc"], e.fields["page"]] += 1
                samples += e.name == "cpu:sample"
        for table in "made", "functions":
            for column, counter in (("blocks", "blocks"), ("insns", "translated_insns"), ("guest_bytes", "guest_bytes"),
                                    ("host_bytes", "host_bytes"), ("temporary", "partial_blocks")):
                got = sum(row[column] for row in by[table])
                assert got == counters[counter], f"{mode} {table} {column}: {got}, counted {counters[counter]}"
        assert sum(row["insns"] for row in by["classes"]) == counters["translated_insns"]
        count = collections.Counter()
        for row in by["events"]:
            count[row["event"].split(" ")[0]] += row["count"]
        for event, counter in {**traces.COUNTERS, "bt:copy": "copied_blocks"}.items():
            if event.startswith("bt:"):
                assert count[event[3:]] == counters[counter], (mode, event, count[event[3:]], counters[counter])
        again = {row["why"]: row["count"] for row in by["again"]}
        assert sum(again.values()) == counters["blocks"] and again.get("TEMPORARY", 0) == counters["partial_blocks"]
        assert "UNKNOWN" not in again and again["FIRST"] == len(times), again
        assert ("FLUSH" in again) == (counters["flushes"] > 0) == ("code=262144" in mode), again
        assert {(int(r["pc"], 16), int(r["page"], 16)): r["times"] for r in by["churning"]} == \
            {place: n for place, n in times.items() if n > 1}
        assert sum(row["count"] for row in by["adapted"]) == counters["adapted"]
        assert sum(row["count"] for row in by["missed"]) == counters["exit_LOOKUP"]
        assert samples and sum(row["count"] for row in by["hot"]) == samples
        assert any(row["function"] == "kernel_main" for row in by["functions"])


def compare():
    """Lantern with VMI and without; then one of them with itself, where nothing is different."""
    field = {"cpu:exception": "vector", "bt:invalidate": "why", "bt:link": "how", "bt:adapt": "why", "vmi:call_exit": "call",
             "mmu:pt_change": "learned", "mmu:flush_tlb": "what", "vmi:call_fault": "call"}
    with tempfile.TemporaryDirectory() as d:
        counters, counts = {}, {}
        for engine in ("bt", "vmi"):
            _, counters[engine] = traces.run(["-engine", engine] + FORKS, f"{d}/{engine}")
            counts[engine] = collections.Counter()
            for e in traces.read(f"{d}/{engine}"):
                if e.name in field:
                    counts[engine][e.name + " " + e.fields[field[e.name]]] += 1
                elif e.name in ("cpu:interrupt", "cpu:software_interrupt"):
                    counts[engine][f"{e.name} {e.fields['vector']:#04x}"] += 1
                elif e.name != "vmi:call_entry" and not e.name[4:5].isupper():
                    counts[engine][e.name] += 1
        by = tables("compare", d + "/bt", d + "/vmi")
        same = tables("compare", d + "/vmi", d + "/vmi")
        text = analysis("compare", "--html", d + "/p.html", "--csv", "--only", "totals", d + "/bt", d + "/vmi").stdout
        with open(d + "/p.html") as f:
            Page(f.read())
        assert f"{d}/empty: no such" in analysis("compare", d + "/bt", d + "/empty", status=4).stderr
        shutil.rmtree(d + "/bt/vitrine")
        bare = tables("compare", d + "/bt", d + "/vmi")
    one, other = counts["bt"], counts["vmi"]
    assert {row["event"]: row["count"] for row in by["vanished"]} == {e: n for e, n in one.items() if not other[e]}
    assert {row["event"]: row["count"] for row in by["appeared"]} == {e: n for e, n in other.items() if not one[e]}
    assert {row["event"]: (row["bt"], row["vmi"]) for row in by["events"]} == \
        {e: (n, other[e]) for e, n in one.items() if other[e]}
    sums = collections.Counter()
    for row in by["places"]:
        sums[row["event"]] += row["difference"]
    assert all(sums[e] == other[e] - one[e] for e in one | other), "places"
    total = {row["what"]: row for row in by["totals"]}
    for engine in counters:
        for what, counter in (("guest ns", "guest_ns"), ("guest instructions", "icount")):
            assert total[what][engine] == counters[engine][counter], (what, engine, total[what])
    for row in by["counters"]:
        assert (row["bt"], row["vmi"]) == tuple(counters[e].get(row["counter"], 0) for e in ("bt", "vmi")), row
    assert text.startswith("what,bt,vmi,change\n")
    assert not (same["vanished"] or same["appeared"] or same["places"] or same["counters"])
    assert all(row["first"] == row["second"] and row["difference"] == 0 for row in same["events"])
    assert bare["counters"] == [] and "first" in bare["totals"][0] and bare["totals"][1]["first"] is None


def mmu_report():
    """Lantern's tour, and a guest that changes PAE tables by hand."""
    for guest in LANTERN, ["-no-reboot", "-m", "64M", "-kernel", traces.BUILD + "/guest/vmi/spaces_pae.elf"]:
        with tempfile.TemporaryDirectory() as d:
            _, counters = traces.run(guest, d + "/t", "mmu")
            by = tables("mmu-report", d + "/t")
            events = [(e.name[4:], e.fields) for e in traces.read(d + "/t") if e.name.startswith("mmu:")]
        word = {"shadow_map": "window", "shadow_unmap": "window", "pt_change": "learned", "flush_tlb": "what",
                "window_evict": "window"}
        count = collections.Counter(f"{name} {f[word[name]]}" if name in word else name for name, f in events)
        assert {row["event"]: row["count"] for row in by["events"]} == count, count
        assert sum(row["count"] for row in by["time"]) == len(events)
        faults = [f for name, f in events if name == "guest_fault"]
        assert len(faults) == counters.get("exception_14", 0)
        for words, mask, value in (("user write, not allowed", 23, 7), ("kernel read, no page", 23, 0),
                                   ("user read, no page", 23, 4), ("user write, no page", 23, 6),
                                   ("kernel write, not allowed", 23, 3)):
            assert sum(row["count"] for row in by["faults"] if row["tried"] == words) == \
                sum(f["error"] & mask == value for f in faults), words
        assert {(int(r["address"], 16), int(r["cr3"], 16)): r["count"] for r in by["pages"]} == \
            collections.Counter((f["address"] & ~0xfff, f["cr3"]) for f in faults)
        changes = [f for name, f in events if name == "pt_change"]
        assert changes and sum(row["count"] for row in by["changes"]) == len(changes)
        for words, was, now in (("made present", 0, 1), ("removed", 1, 0), ("still not present", 0, 0)):
            for level in 1, 2:
                assert sum(r["count"] for r in by["changes"] if (r["what"], r["level"]) == (words, level)) == \
                    sum((f["old"] & 1, f["new"] & 1, f["level"]) == (was, now, level) for f in changes), (words, level)
        other = [f for f in changes if f["old"] & f["new"] & 1 and (f["old"] ^ f["new"]) >> 12 & 0xffffffffff]
        assert sum(r["count"] for r in by["changes"] if r["what"] == "another page") == len(other)
        for column, counter in (("maps", "window_maps"), ("unmaps", "window_unmaps")):
            assert sum(row[column] for row in by["windows"]) == counters[counter], column
        spaces = {int(row["cr3"], 16): row for row in by["spaces"]}
        to = collections.Counter(f["to"] for name, f in events if name == "switch")
        assert {cr3: row["switches"] for cr3, row in spaces.items() if row["switches"]} == to
        assert sum(row["faults"] for row in spaces.values()) == len(faults)
        assert sum(row["changes"] for row in spaces.values()) == len(changes)


def irq_latency():
    """A guest whose waits can be counted (tests/guest/waits.S says how many instructions); then lantern and Linux's kind of
    interrupts beside what babeltrace2 prints."""
    waits = ["-kernel", traces.BUILD + "/guest/waits.elf"]
    with tempfile.TemporaryDirectory() as d:
        _, counters = traces.run(waits, d + "/t", "irq")
        by = tables("irq-latency", d + "/t")
        lines = {row["line"]: row for row in by["lines"]}
        assert set(lines) == {"APIC 0x40", "APIC 0x51", "IRQ 0"}, lines
        low, high, timer = lines["APIC 0x40"], lines["APIC 0x51"], lines["IRQ 0"]
        assert (low["requests"], low["taken"], low["merged"]) == (6, 5, 1) and low["wait_max"] == 103, low
        assert low["wait"] == (1 + 1 + 103 + 23 + 4) / 5 and low["at_once"] == 0.4 and low["wait_p50"] == 4, low
        assert (high["requests"], high["taken"], high["wait_max"]) == (1, 1, 1), high
        assert (timer["requests"], timer["taken"], timer["withdrawn"]) == (2, 1, 1), timer
        assert [(r["insns"], r["line"], r["why"]) for r in by["worst"]][1:] == \
            [(103, "APIC 0x40", "interrupts are off"), (23, "APIC 0x40", "another is in service"),
             (4, "APIC 0x40", "interrupts are off")] and by["worst"][0]["why"] == "masked", by["worst"]
        ends = {row["line"]: row for row in by["handlers"]}
        assert (ends["APIC 0x40"]["insns_max"], ends["APIC 0x40"]["ended"], ends["APIC 0x40"]["handler"]) == (10, 5, "low")
        assert ends["APIC 0x51"]["insns"] == 21 and ends["IRQ 0"]["insns"] == 2 and ends["IRQ 0"]["vector"] == "0x20", ends
        assert {(r["why"], r["function"]): r["count"] for r in by["held"]} == \
            {("interrupts are off", "_start"): 2, ("another is in service", "high"): 1, ("masked", "_start"): 1}
        assert sum(row["count"] for row in by["spread"]) == sum(row["taken"] for row in lines.values()) == 7
        where = by["worst"][1]
        assert where["taken_icount"] - where["icount"] == 103 and where["requested at"].startswith("_start+")
        traces.run(LANTERN + ["-engine", "bt"], d + "/l", "irq")
        by = tables("irq-latency", d + "/l")
        asked, taken, told, waited = collections.Counter(), collections.Counter(), collections.Counter(), []
        for e in traces.read(d + "/l"):
            if e.name == "dev:irq_request":
                asked[e.fields["input"]], when = asked[e.fields["input"]] + 1, e.fields["icount"]
            elif e.name == "dev:irq_accept":
                taken[e.fields["input"]] += 1
                waited.append(e.fields["icount"] - when)
            elif e.name == "dev:irq_eoi":
                told[e.fields["input"]] += 1
    assert asked == taken and {f"IRQ {n}": count for n, count in taken.items()} == \
        {row["line"]: row["taken"] for row in by["lines"]} and sum(told.values()) == sum(r["ended"] for r in by["handlers"])
    assert max(waited) == max(row["wait_max"] for row in by["lines"]) and sum(row["count"] for row in by["time"]) == len(waited)
    assert counters["interrupt_64"] == 5 and counters["interrupt_81"] == counters["interrupt_32"] == 1, counters


def flame():
    """Stacks of samples and of calls, beside what babeltrace2 prints; then the page is clicked at."""
    with tempfile.TemporaryDirectory() as d:
        traces.run(["-e", "set sample-every 2003"] + FORKS, d + "/t", "stacks,vmi")
        with open(d + "/t/vitrine/symbols") as f:
            rows = [line.split() for line in f]
        code = sorted((int(row[0], 16), int(row[1], 16), row[3]) for row in rows)

        def function(address):
            n = bisect.bisect_right(code, (address, 1 << 32)) - 1
            return code[n][2] if n >= 0 and address - code[n][0] < max(code[n][1], 1) else "page"
        folded, calls, ns, made = collections.Counter(), collections.Counter(), 0, []
        for e in traces.read(d + "/t"):
            if e.name == "cpu:sample":
                assert e.fields["icount"] % 2003 == 0, e
                made.append(e.fields["icount"])
                if e.fields["cpl"] == 0:
                    callers = itertools.takewhile(lambda a: a >= code[0][0], e.fields["frames"])
                    names = [function(e.fields["eip"])] + [function(a - 1) for a in callers]
                    folded["kernel;" + ";".join(reversed(names))] += 1
            elif e.name == "vmi:call_stack":
                calls["VMI_" + e.fields["call"]] += 1
            elif e.name == "vmi:call_exit":
                ns += e.fields["ns"]
        got = collections.Counter()
        for line in analysis("flame", "--folded", d + "/t").stdout.splitlines():
            stack, _, count = line.rpartition(" ")
            got[stack] += int(count)
        by = tables("flame", d + "/t")
        assert made == list(range(2003, made[-1] + 1, 2003)) and sum(got.values()) == len(made) > 500
        named = {s: n for s, n in folded.items() if "page" not in s}
        assert named == {s: n for s, n in got.items() if s.startswith("kernel") and "page" not in s}, named
        assert sum(named.values()) > 300
        assert sum(row["samples"] for row in by["functions"]) == len(made) and \
            next(r for r in by["functions"] if r["function"] == "kernel")["with_callees"] == sum(folded.values())
        of_calls = {r["function"]: r["calls"] for r in tables("flame", "--of", "calls", d + "/t")["functions"] if r["calls"]}
        assert of_calls == calls, (of_calls, calls)
        stacks = tables("flame", "--of", "ns", "--by", "space", d + "/t")["stacks"]
        assert sum(row["ns"] for row in stacks) == ns and all(row["stack"].startswith("cr3 0x") for row in stacks)
        assert analysis("flame", "--svg", d + "/f.svg", d + "/t").stdout == ""
        with open(d + "/f.svg") as f:
            picture = xml.dom.minidom.parseString(f.read())
        assert len(picture.getElementsByTagName("rect")) == len(picture.getElementsByTagName("g")) > 10


def vmi_timeline():
    """Calls over both axes, all of them and a part, beside the counters and what babeltrace2 prints; the page."""
    with tempfile.TemporaryDirectory() as d:
        _, counters = traces.run(FORKS, d + "/t", "vmi:call_exit")
        ended = [(e.fields["icount"], e.ns, e.fields["call"]) for e in traces.read(d + "/t")]
        by, by_ns = tables("vmi-timeline", d + "/t"), tables("vmi-timeline", "--axis", "ns", d + "/t")
        total = counters["vmi_calls"]
        for table in (by["lanes"], by["spaces"], by["calls"], by["bursts"], by_ns["lanes"], by_ns["spaces"]):
            assert sum(row["count"] for row in table) == total == len(ended)
        for row in by["lanes"]:
            assert row["count"] == sum(row["at"] <= icount < row["at"] + row["length"] for icount, _, _ in ended), row
        for row in by_ns["lanes"]:
            assert row["count"] == sum(row["at"] <= ns < row["at"] + row["length"] for _, ns, _ in ended), row
        for row in by["calls"]:
            of = [icount for icount, _, call in ended if call == row["call"]]
            assert (row["count"], row["first_icount"], row["last_icount"]) == (len(of), of[0], of[-1]), row
            assert row["most"] == sum(row["most_at"] <= icount < row["most_at"] + row["length"] for icount in of), row
        assert by["bursts"][0]["count"] == max(row["count"] for row in by["lanes"])
        a, b = ended[1000][0], ended[1500][0]
        part = tables("vmi-timeline", "--from", str(a), "--to", str(b), d + "/t")
        assert sum(row["count"] for row in part["calls"]) == sum(a <= icount <= b for icount, _, _ in ended)
        begin, end = ended[1000][1], ended[1500][1]
        part = tables("vmi-timeline", "--begin", str(begin), "--end", str(end), d + "/t")
        assert sum(row["count"] for row in part["calls"]) == sum(begin <= ns <= end for _, ns, _ in ended) == 501
        assert "no event was recorded in that time" in analysis("vmi-timeline", "--end", "1", d + "/t", status=4).stderr
        assert analysis("vmi-timeline", "--svg", d + "/t.svg", d + "/t").stdout == ""
        with open(d + "/t.svg") as f:
            picture = xml.dom.minidom.parseString(f.read())
        assert len(picture.getElementsByTagName("text")) == min(len(by["calls"]), 24) + 3
        analysis("vmi-timeline", "--html", d + "/p.html", d + "/t")
        with open(d + "/p.html") as f:
            text = f.read()
        p = Page(text)
        assert len(p.data) == 2 and all(sum(map(sum, data["rows"])) <= total for data in p.data)


class Page(html.parser.HTMLParser):
    """Whether every element ends where it should, what needs another file, and the data of the pictures."""
    ALONE = ("meta", "rect", "path", "input")

    def __init__(self, text):
        super().__init__()
        self.open, self.data, self.kinds = [], [], collections.Counter()
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        assert not {"src", "href"} & {name for name, _ in attrs}, attrs
        self.kinds[tag] += 1
        if tag not in self.ALONE and tag not in ("br", "i", "p", "td", "th", "tr"):
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.kinds[tag] += 1

    def handle_endtag(self, tag):
        if tag not in ("i", "p", "td", "th", "tr"):
            assert self.open.pop()[0] == tag, tag

    def handle_data(self, data):
        if self.open and self.open[-1][1].get("type") == "application/json":
            self.data.append(json.loads(data))


def pages():
    """--html: a page that needs nothing else, with the tables' numbers; names from a guest do no harm there."""
    with tempfile.TemporaryDirectory() as d:
        traces.run(FORKS, d + "/t", "vmi,bt,mmu")
        with open(d + "/t/vitrine/symbols") as f:
            changed = f.read().replace(" serial_put\n", " <script>alert(1)</script>&\n")
        with open(d + "/t/vitrine/symbols", "w") as f:
            f.write(changed)
        for name, table, what, title in (("vmi-freq", "calls", "count", "VMI calls in"),
                                         ("bt-report", "again", "count", "why blocks were translated"),
                                         ("mmu-report", "time", "count", "changes of page tables")):
            by = json.loads(analysis(name, "--json", "--html", d + "/p.html", d + "/t").stdout)["tables"]
            assert analysis(name, "--html", d + "/q.html", d + "/t").stdout == ""
            with open(d + "/p.html") as f, open(d + "/q.html") as g:
                text = f.read()
                assert g.read() == text
            p = Page(text)
            assert title in text and "alert(1)<" not in text and "http" not in text
            assert p.kinds["section"] == sum(bool(rows) for rows in by.values()) and p.kinds["svg"] >= 4
            assert len(p.data) == 1 and sum(map(sum, p.data[0]["rows"])) == sum(row[what] for row in by[table])
        said = analysis("vmi-freq", "--html", d + "/no/p.html", d + "/t", status=4).stderr
        assert said.count("\n") == 1 and "No such file" in said and "/no/p.html" in said, said


def chosen():
    """What was not recorded is said, or left out; --only and --top choose; a trace without the files beside it works."""
    with tempfile.TemporaryDirectory() as d:
        traces.run(FORKS, d + "/t", "vmi")
        by = tables("vmi-freq", "--only", "callers,values", d + "/t")
        assert list(by) == ["callers", "values"] and by["callers"] and not by["values"]
        assert len(analysis("vmi-freq", "--only", "callers", "--top", "3", d + "/t").stdout.splitlines()) == 5
        with open(d + "/map", "w") as f:
            subprocess.run(["nm", traces.LANTERN], stdout=f, check=True)
        named = {(row["caller"], row["call"]): row["count"] for row in tables("vmi-freq", d + "/t")["callers"]}
        shutil.rmtree(d + "/t/vitrine")
        again = {(row["caller"], row["call"]): row["count"]
                 for row in tables("vmi-freq", "--symbols", d + "/map", d + "/t")["callers"]}
        assert again == named, set(again.items()) ^ set(named.items())
        said = analysis("vmi-freq", "--symbols", traces.LANTERN, d + "/t", status=4).stderr
        assert "has no symbols as System.map has them" in said and said.count("\n") == 1, said
        plain = tables("vmi-freq", d + "/t")
        assert plain["calls"][0]["per_s"] is None
        assert plain["callers"][0]["caller"].startswith("0xc01") and len(plain["calls"]) > 30
        traces.run(FORKS, d + "/u", "mmu")
        assert "no events of memory management in it" in analysis("mmu-report", d + "/t", status=4).stderr
        assert "no VMI calls in it" in analysis("vmi-freq", d + "/u", status=4).stderr
        assert "no requests of interrupts in it" in analysis("irq-latency", d + "/u", status=4).stderr
        assert "no stacks in it" in analysis("flame", d + "/u", status=4).stderr
        assert "no translator's events in it" in analysis("bt-report", d + "/u", status=4).stderr
    for name in NAMES:
        assert "--json" in analysis(name, "--help").stdout
        two = [".", "."] if name == "compare" else ["."]
        assert "no table is called" in analysis(name, "--only", "nothing", *two, status=2).stderr
        assert "usage:" in analysis(name, status=2).stderr


def spoil(path, begin, length):
    with open(path, "r+b") as f:
        f.seek(begin)
        f.write(b"\xa5" * length)


def wrong():
    """Directories that are no trace, or not a whole one: one clear line, and status 4."""
    with tempfile.TemporaryDirectory() as d:
        traces.run(FORKS, d + "/t", "vmi")
        inside = "/ust/uid/0/64-bit" if os.geteuid() == 0 else f"/ust/uid/{os.geteuid()}/64-bit"

        def changed(name, change):
            shutil.copytree(d + "/t", f"{d}/{name}")
            change(f"{d}/{name}{inside}")
            return name
        streams = [f for f in os.listdir(d + "/t" + inside) if f.startswith("vitrine_")]
        stream = "/" + max(streams, key=lambda f: os.path.getsize(f"{d}/t{inside}/{f}"))
        os.mkdir(d + "/empty")
        open(d + "/file", "w").close()
        cases = {
            "none": "no such directory", "file": "not a directory", "empty": "there is no trace in it",
            changed("cut", lambda t: os.truncate(t + stream, os.path.getsize(t + stream) - 5000)): "cut off",
            changed("corrupt", lambda t: spoil(t + stream, 200, 4000)): "damaged",
            changed("metadata", lambda t: spoil(t + "/metadata", 0, 4000)): "damaged",
            changed("short", lambda t: os.truncate(t + "/metadata", 0)): "damaged",
            changed("bare", lambda t: os.remove(t + "/metadata")): "there is no trace in it",
            changed("json", lambda t: spoil(f"{d}/json/vitrine/machine.json", 0, 3)): "machine.json is not JSON",
            changed("table", lambda t: spoil(f"{d}/table/vitrine/symbols", 0, 9)): "symbols is not what Vitrine writes",
            changed("later", lambda t: open(f"{d}/later/vitrine/machine.json", "w").write('{"version": 2}')): "version 2",
        }
        for case, line in cases.items():
            for name in NAMES:
                two = [d + "/t"] if name == "compare" else []
                said = analysis(name, f"{d}/{case}", *two, status=4)
                assert said.stdout == "" and said.stderr.count("\n") == 1 and line in said.stderr, (case, said.stderr)
                assert said.stderr.startswith(f"{name}: {d}/{case}: "), said.stderr


def foreign():
    """A trace of another program, and one in which LTTng discarded events."""
    with tempfile.TemporaryDirectory() as d:
        traces.run(LANTERN, d + "/t", "vmi:call_exit,bt,mmu")
        subprocess.run(["babeltrace2", "convert", d + "/t", "-o", "ctf", "-w", d + "/f"], check=True, capture_output=True)
        for where, _, files in os.walk(d + "/f"):
            if "metadata" in files:
                with open(where + "/metadata") as f:
                    changed = f.read().replace("vitrine_", "strange_")
                with open(where + "/metadata", "w") as f:
                    f.write(changed)
        for name in NAMES:
            two = [d + "/t"] if name == "compare" else []
            said = analysis(name, d + "/f", *two, status=4)
            assert said.stdout == "" and "not a trace of Vitrine" in said.stderr, said.stderr
            assert said.stderr.count("\n") == 1, said.stderr
        traces.start_daemon()
        traces.lttng("create", "small", "--output", d + "/s")
        traces.lttng("enable-channel", "-u", "c", "--subbuf-size=4096", "--num-subbuf=2", "--discard")
        traces.lttng("enable-event", "-u", "-c", "c", "vitrine_vmi:call_exit")
        traces.lttng("start")
        _, counters = traces.run(LANTERN)
        traces.lttng("destroy")
        said = analysis("vmi-freq", "--json", d + "/s")
        found = json.loads(said.stdout)
    lost = found["traces"][0]["discarded"]
    assert lost and f"WARNING: {lost} events were discarded" in said.stderr, said.stderr
    assert sum(row["count"] for row in found["tables"]["calls"]) + lost == counters["vmi_calls"]


NAMES = ["vmi-freq", "bt-report", "compare", "mmu-report", "irq-latency", "flame", "vmi-timeline"]
if importlib.util.find_spec("bt2") is None:
    print("python3-bt2 is not there")
    sys.exit(77)
traces.alone()
traces.main(histogram, frequent, series, vmi_freq, bt_report, compare, mmu_report, irq_latency, flame, vmi_timeline, pages, chosen, wrong, foreign)
