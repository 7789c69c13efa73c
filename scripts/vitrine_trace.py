# SPDX-License-Identifier: GPL-3.0-or-later
"""What the analyses share: reading an LTTng trace of Vitrine in bounded memory, what is saved beside it, counts and
percentiles, tables as text, CSV and JSON."""
import argparse
import bisect
import collections
import csv
import json
import os
import sys

import vitrine_lami
from vitrine_page import page

try:
    import bt2
except ImportError:
    sys.exit(f"{os.path.basename(sys.argv[0])}: babeltrace2's Python bindings are missing: install python3-bt2, "
             "and run with the python3 they were made for (/usr/bin/python3)")

HOST_TROUBLE = 4


class TraceError(Exception):
    """The trace cannot be analysed; says why in a line."""


class Event:
    """An event as bt2 has it; fields are looked at only when asked for, as that is what takes time."""
    __slots__ = ("name", "message", "fields", "words")

    def __init__(self, name, message, event, words):
        self.name, self.message, self.words = name, message, words
        self.fields = event.payload_field

    def __getitem__(self, field):
        """A number."""
        try:
            return int(self.fields[field])
        except KeyError:
            raise TraceError(f"event {self.name} has no field {field}: the trace is of another version") from None

    def word(self, field):
        """A word of an enumeration."""
        key = self.name, field, self[field]
        word = self.words.get(key)
        if word is None:
            labels = self.fields[field].labels
            word = self.words[key] = labels[0] if labels else str(key[2])
        return word

    def names(self):
        return list(self.fields)


class Symbols:
    """The guest's symbols as they were when recording began."""

    def __init__(self, path):
        self.starts, self.symbols, self.known = [], [], {}
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                rows = sorted((int(a, 16), int(s, 16), name) for a, s, _, name in (line.split(None, 3) for line in f))
        except OSError:
            return
        except ValueError:
            raise TraceError(f"{path} is not what Vitrine writes") from None
        self.symbols = [(start, size, name.strip()) for start, size, name in rows]
        self.starts = [start for start, _, _ in rows]

    @classmethod
    def of_map(cls, path):
        """Those of a System.map, /proc/kallsyms or what nm prints: code, each as long as it is to the next."""
        made = cls(os.devnull)
        with open(path, encoding="utf-8", errors="replace") as f:
            rows = [line.split()[:3] for line in f if line.strip()]
        try:
            code = sorted((int(row[0], 16), row[2]) for row in rows if len(row) == 3 and row[1] in "tTwW")
        except ValueError:
            code = []
        if not code:
            raise TraceError(f"{path} has no symbols as System.map has them")
        made.starts = [start for start, _ in code]
        ends = made.starts[1:] + [made.starts[-1] + 4096]
        made.symbols = [(start, end - start, name) for (start, name), end in zip(code, ends)]
        return made

    def find(self, address):
        """(function, offset) or None."""
        n = bisect.bisect_right(self.starts, address) - 1
        if n < 0:
            return None
        start, size, name = self.symbols[n]
        return (name, address - start) if address - start < max(size, 1) else None

    def function(self, address):
        """The name of the function, or the address where it has none."""
        name = self.known.get(address)
        if name is None:
            found = self.find(address)
            name = found[0] if found else hexadecimal(address)
            if len(self.known) < 1 << 20:
                self.known[address] = name
        return name

    def place(self, address):
        found = self.find(address)
        return f"{found[0]}+{found[1]:#x}" if found else hexadecimal(address)


class Histogram:
    """Mean exactly, percentiles within 1 %, of any number of values: what is above 128 is put into 64 classes for each
    power of two."""

    def __init__(self):
        self.count = self.total = self.most = 0
        self.classes = {}

    def add(self, value):
        shift = max(value.bit_length() - 7, 0)
        key = (shift, value >> shift)
        self.classes[key] = self.classes.get(key, 0) + 1
        self.count += 1
        self.total += value
        self.most = max(self.most, value)

    def mean(self):
        return self.total / self.count if self.count else 0.0

    def percentile(self, p):
        """The smallest value that p in a hundred are not above."""
        left = self.count * p / 100
        for shift, top in sorted(self.classes):
            left -= self.classes[shift, top]
            if left <= 0:
                return min((top << shift) + (1 << shift >> 1), self.most)
        return self.most


class Frequent:
    """Counts of the most frequent of any number of different things. Beyond the limit the rarest half is let go; what
    came back after that is counted too low, and `whole` says that this has happened."""

    def __init__(self, limit=1 << 16):
        self.count, self.limit, self.whole = collections.Counter(), limit, True

    def add(self, what, n=1):
        self.count[what] += n
        if len(self.count) > self.limit:
            self.count = collections.Counter(dict(self.count.most_common(self.limit // 2)))
            self.whole = False

    def most(self, n=None):
        return sorted(self.count.items(), key=lambda item: (-item[1], str(item[0])))[:n]


class Series:
    """Counts over guest instructions, in at most 2 * `most` intervals: they are doubled in length when more are needed."""

    def __init__(self, begin, most=32):
        self.begin, self.most, self.shift = begin, most, 10
        self.slots = collections.Counter()

    def add(self, icount, what):
        slot = max(icount - self.begin, 0) >> self.shift
        while slot >= 2 * self.most:
            self.shift += 1
            slot >>= 1
            merged = collections.Counter()
            for (n, name), count in self.slots.items():
                merged[n >> 1, name] += count
            self.slots = merged
        self.slots[slot, what] += 1

    def rows(self):
        """(icount at which the interval begins, its length, Counter by what), also of those with nothing in them."""
        last = max((n for n, _ in self.slots), default=-1)
        rows = [collections.Counter() for _ in range(last + 1)]
        for (n, what), count in self.slots.items():
            rows[n][what] += count
        return [(self.begin + (n << self.shift), 1 << self.shift, row) for n, row in enumerate(rows)]


class Progress:
    """A bar on standard error, at a terminal; or lines as LAMI has them."""

    def __init__(self, begin, end, lami=False):
        self.begin, self.span, self.shown, self.lami = begin, max(end - begin, 1), -1, lami
        self.on = (sys.stderr.isatty() or lami) and end > begin

    def at(self, ns, events):
        percent = min(max((ns - self.begin) * 100 // self.span, 0), 100)
        if not self.on or percent == self.shown:
            return
        self.shown = percent
        if self.lami:
            vitrine_lami.progress(percent / 100, events)
        else:
            bar = "#" * (percent * 40 // 100)
            print(f"\r[{bar:<40}] {percent:3} %  {events} events", end="", file=sys.stderr, flush=True)

    def done(self):
        if self.shown >= 0 and not self.lami:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class Trace:
    """A directory with a trace in it, and the files that Vitrine saves there: in it or, when it is only a part of what was
    recorded, above."""
    ABOVE = 4  # ust/uid/1000/64-bit

    def __init__(self, directory, options=None):
        self.directory, self.options = directory, options
        if not os.path.isdir(directory):
            raise TraceError("not a directory" if os.path.exists(directory) else "no such directory")
        self.parts = [d for d, _, files in os.walk(directory) if "metadata" in files]
        if not self.parts:
            raise TraceError("there is no trace in it (no file metadata, in it or below)")
        self.saved = os.path.realpath(directory)
        for _ in range(self.ABOVE):
            if not os.path.isdir(os.path.join(self.saved, "vitrine")):
                self.saved = os.path.dirname(self.saved)
        self.saved = os.path.join(self.saved, "vitrine")
        self.machine = self.beside("machine.json")
        if self.machine.get("version", 1) != 1:
            raise TraceError(f"machine.json is of version {self.machine['version']}, this program knows 1")
        self.start, self.end = self.beside("counters-start.json"), self.beside("counters.json")
        self.symbols = Symbols(os.path.join(self.saved, "symbols"))
        self.events = self.discarded = self.first = self.last = 0
        self.begin_ns, self.end_ns = (options.begin, options.end) if options else (None, None)
        if self.chosen():  # the counters are of all
            self.start, self.end = {}, {}

    def chosen(self):
        """Is only a part of it to be read?"""
        return self.begin_ns is not None or self.end_ns is not None

    def lacks(self, what):
        """Nothing in it is of use to the analysis."""
        raise TraceError(what)

    def has_any(self, names):
        """Whether one of these events can be in it, as its metadata says."""
        for part in self.parts:
            with open(os.path.join(part, "metadata"), "rb") as f:
                text = without_packets(f.read())
            if any(b"vitrine_" + name.encode() in text for name in names):
                return True
        return False

    def beside(self, name):
        path = os.path.join(self.saved, name)
        try:
            with open(path, encoding="utf-8") as f:
                found = json.load(f)
        except OSError:
            return {}
        except ValueError:
            raise TraceError(f"{path} is not JSON") from None
        return found if isinstance(found, dict) else {}

    def extent(self):
        """Host time at which it begins and ends, for the bar."""
        reader = bt2.find_plugin("ctf").source_component_classes["fs"]
        infos = [bt2.QueryExecutor(reader, "babeltrace.trace-infos", {"inputs": [part]}).query() for part in self.parts]
        ranges = [s["range-ns"] for found in infos for t in found for s in t["stream-infos"] if "range-ns" in s]
        return min((int(r["begin"]) for r in ranges), default=0), max((int(r["end"]) for r in ranges), default=0)

    def messages(self):
        """What babeltrace2 reads; times that it takes as seconds are not exact to the nanosecond."""
        spec = bt2.AutoSourceComponentSpec(self.directory)
        if not self.chosen():
            yield from bt2.TraceCollectionMessageIterator(spec)
            return
        begin, end = (None if ns is None else ns / 1e9 + about
                      for ns, about in ((self.begin_ns, -1e-6), (self.end_ns, 1e-6)))
        for message in bt2.TraceCollectionMessageIterator(spec, begin=begin, end=end):
            if type(message) is bt2._EventMessageConst:
                ns = message.default_clock_snapshot.ns_from_origin
                if self.begin_ns is not None and ns < self.begin_ns or self.end_ns is not None and ns > self.end_ns:
                    continue
            yield message

    def read(self, handlers, every=None):
        """Calls, for each event in order, handlers[name](event), name as in vmi:call_exit; for those that have none,
        every(event), if that is given."""
        known = {"vitrine_" + name: (name, f) for name, f in handlers.items()}
        words, ours = {}, 0
        bt2.set_global_logging_level(bt2.LoggingLevel.NONE)
        progress = None
        try:
            begin, end = self.extent()
            self.first = begin if self.begin_ns is None else max(begin, self.begin_ns)
            self.last = end if self.end_ns is None else min(end, self.end_ns)
            progress = Progress(self.first, self.last, self.options and self.options.output_progress)
            for message in self.messages():
                kind = type(message)
                if kind is bt2._EventMessageConst:
                    self.events += 1
                    event = message.event
                    name = event.name
                    if name.startswith("vitrine_"):
                        ours += 1
                        if every and name not in known:
                            known[name] = (name[len("vitrine_"):], every)
                    if self.events & 4095 == 0:
                        progress.at(message.default_clock_snapshot.ns_from_origin, self.events)
                    if name in known:
                        known[name][1](Event(known[name][0], message, event, words))
                elif kind is bt2._DiscardedEventsMessageConst:
                    self.discarded += message.count or 0
        except bt2._Error as error:
            why = [cause.message for cause in error][0].split("\n")[0].split(": ")[0]
            where = f"beyond event {self.events}" if self.events else "at all"
            raise TraceError(f"damaged, or cut off: it cannot be read {where} ({why[:120]})") from None
        finally:
            if progress:
                progress.done()
        if not self.events and self.chosen():
            raise TraceError("no event was recorded in that time")
        if not self.events:
            raise TraceError("the trace is empty: no event was recorded")
        if not ours:
            raise TraceError(f"not a trace of Vitrine: none of its {self.events} events is")

    def guest_ns(self):
        """Guest time that was recorded, None if the counters are not beside the trace."""
        if "guest_ns" not in self.end:
            return None
        return self.end["guest_ns"] - self.start.get("guest_ns", 0)


def without_packets(metadata):
    """The text of a CTF 1.8 metadata file, which may be in packets: magic, UUID, checksum, sizes in bits, five bytes more."""
    magic, head = 0x75d11d57, 37
    order = next((o for o in ("little", "big") if int.from_bytes(metadata[:4], o) == magic), None)
    if not order:
        return metadata
    text, at = b"", 0
    while at + head <= len(metadata):
        content, size = (int.from_bytes(metadata[at + n:at + n + 4], order) // 8 for n in (24, 28))
        text += metadata[at + head:at + content]
        at += max(size, head)
    return text


class Nothing(Trace):
    """A trace with nothing in it, which an analysis makes its tables of all the same: to know what they look like."""

    def __init__(self):  # pylint: disable=super-init-not-called
        self.directory, self.machine, self.start, self.end, self.options = "", {}, {}, {}, None
        self.symbols, self.handlers = Symbols(os.devnull), set()
        self.events = self.discarded = 0

    def lacks(self, what):
        pass

    def read(self, handlers, every=None):
        self.handlers = set(handlers) | ({""} if every else set())  # any


def hexadecimal(value):
    return f"{value:#010x}"


def ratio(part, whole):
    return part / whole if whole else 0.0


# A table: its name, what it shows, columns as (name, kind) and rows; its picture on a page (vitrine_page.py), if any.
# Kinds: text, int, float (a digit after the point), percent (a share of 1), hex.
class Table(collections.namedtuple("Table", "name title columns rows picture", defaults=[None])):
    def shown(self, row, for_programs):
        """The cells of a row: as values for programs, as text for people."""
        cells = []
        for (_, kind), value in zip(self.columns, row):
            if kind == "hex":
                value = hexadecimal(value)
            elif value is None:
                value = None if for_programs else "-"
            elif kind == "percent":
                value = round(value, 6) if for_programs else f"{value * 100:.1f} %"
            elif kind == "float":
                value = round(value, 3) if for_programs else f"{value:.1f}"
            cells.append(value if for_programs else str(value))
        return cells

    def text(self):
        rows = [[name for name, _ in self.columns]] + [self.shown(row, False) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = [self.title]
        for row in rows:
            cells = (cell.ljust(w) if kind in ("text", "hex") else cell.rjust(w)
                     for cell, w, (_, kind) in zip(row, widths, self.columns))
            lines.append("  " + "  ".join(cells).rstrip())
        return "\n".join(lines)

    def records(self):
        names = [name for name, _ in self.columns]
        return [dict(zip(names, self.shown(row, True))) for row in self.rows]


def arguments(description, tables, traces=1):
    """The command line that all analyses have; tables: name -> what it shows; how many traces are read."""
    listed = "\n".join(f"  {name:<10} {what}" for name, what in tables.items())
    parser = argparse.ArgumentParser(description=description, epilog="tables:\n" + listed,
                                     formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("directories", metavar="DIR", nargs="*",
                        help=f"{'a trace' if traces == 1 else f'{traces} traces'}, as -trace or any LTTng session has written "
                        "it")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="CSV, a block a table, with an empty line between")
    form.add_argument("--json", action="store_true", help="JSON, an object with a list a table")
    parser.add_argument("--html", metavar="FILE", help="a page with pictures, in one file that needs no other")
    parser.add_argument("--symbols", metavar="FILE", help="name functions by a System.map, /proc/kallsyms, or what nm printed")
    parser.add_argument("--only", metavar="TABLE,...", help="these tables, in this order")
    parser.add_argument("--top", metavar="N", type=int, default=20, help="rows of the long tables (20; 0: all)")
    parser.add_argument("--begin", metavar="NS", type=int, help="events from this time on, in ns since 1970")
    parser.add_argument("--end", metavar="NS", type=int, help="events until this time")
    compass = parser.add_argument_group("for Trace Compass (LAMI 1.0)")
    form.add_argument("--lami", action="store_true", help="JSON as LAMI 1.0 has it")
    compass.add_argument("--limit", metavar="N", help="rows of each table with --lami, or unlimited (as it is)")
    compass.add_argument("--mi-version", action="store_true", help="say the version of LAMI")
    compass.add_argument("--metadata", action="store_true", help="say what the analysis is")
    compass.add_argument("--test-compatibility", action="store_true", help="say nothing if the trace can be read, else why not")
    compass.add_argument("--output-progress", action="store_true", help="with --lami: say how far it is, line by line")
    parser.tables, parser.traces = tables, traces
    return parser


def write(options, program, traces, tables):
    if options.html:
        with open(options.html, "w", encoding="utf-8") as f:
            f.write(page(program, traces, [table for table in tables if table.rows]))
    if options.json:
        made = {"traces": [{"directory": trace.directory, "guest": trace.machine.get("guest"),
                            "engine": trace.machine.get("engine"), "events": trace.events,
                            "discarded": trace.discarded} for trace in traces],
                "tables": {table.name: table.records() for table in tables}}
        json.dump(made, sys.stdout, indent=1)
        print()
    elif options.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        for n, table in enumerate(tables):
            if n:
                print()
            writer.writerow([name for name, _ in table.columns])
            writer.writerows(table.shown(row, True) for row in table.rows)
    elif options.instead is not None:
        sys.stdout.write(options.instead)
    elif not options.html:
        print("\n\n".join(table.text() for table in tables))


def checked(parser):
    """The options of the command line, where all is right with them."""
    options = parser.parse_args()
    options.names = options.only.split(",") if options.only else list(parser.tables)
    for name in options.names:
        if name not in parser.tables:
            parser.error(f"no table is called {name}: {', '.join(parser.tables)}")
    if options.top < 0:
        parser.error("--top takes a number of rows")
    options.top = options.top or None
    if options.limit not in (None, "unlimited") and not options.limit.isdigit():
        parser.error("--limit takes a number of rows, or unlimited")
    if options.lami:
        options.top = int(options.limit) if options.limit not in (None, "unlimited") else None
    elif options.output_progress and not options.metadata:
        parser.error("--output-progress goes with --lami")
    if not options.mi_version and not options.metadata and len(options.directories) != parser.traces:
        parser.error(f"give {'the directory' if parser.traces == 1 else f'{parser.traces} directories'} of a trace")
    options.instead = None  # text that an analysis prints instead of tables
    return options


def tables_of(parser, analyse, options):
    """Reads, and writes what was asked for."""
    traces = []
    for options.at in options.directories:
        traces.append(Trace(options.at, options))
        if options.symbols:
            traces[-1].symbols = Symbols.of_map(options.symbols)
    made = {table.name: table for table in analyse(*traces, options)}
    for trace in traces:
        if trace.discarded:
            print(f"{parser.prog}: {trace.directory}: WARNING: {trace.discarded} events were discarded when this was "
                  "recorded; all counts are too low", file=sys.stderr)
    if options.lami:
        shapes = analyse(*[Nothing() for _ in traces], options)
        tables = [made[name] for name in options.names if made[name].rows]
        vitrine_lami.say(vitrine_lami.results(min(t.first for t in traces), max(t.last for t in traces), tables, shapes))
        return
    keep = options.only or options.json  # what was asked for is shown even if it is empty
    write(options, parser.prog, traces, [made[name] for name in options.names if made[name].rows or keep])


def check(parser, analyse, options):
    """Are the traces such as the analysis reads?"""
    nothing = [Nothing() for _ in range(parser.traces)]
    analyse(*nothing, options)
    for options.at, like in zip(options.directories, nothing):
        trace = Trace(options.at, options)
        if not trace.has_any([""]):
            raise TraceError("not a trace of Vitrine")
        if not trace.has_any(like.handlers):
            raise TraceError("recorded without the events that this analysis reads")


def run(parser, analyse):
    """Runs an analysis: analyse(trace..., options) gives its tables, those with nothing in them included. It sets
    options.at to the directory that an error is about."""
    options = checked(parser)
    try:
        if options.mi_version:
            print("{}.{}".format(*vitrine_lami.VERSION))
        elif options.metadata:
            vitrine_lami.say(vitrine_lami.metadata(parser, analyse(*[Nothing() for _ in range(parser.traces)], options)))
        elif options.test_compatibility:
            check(parser, analyse, options)
        else:
            tables_of(parser, analyse, options)
        sys.stdout.flush()
    except (TraceError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # as with `| head'
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.exit(0)
        said = ("" if isinstance(error, OSError) else options.at + ": ") + str(error)
        if options.lami or options.test_compatibility:
            vitrine_lami.say(vitrine_lami.error(said, HOST_TROUBLE))
        print(f"{parser.prog}: {said}", file=sys.stderr)
        sys.exit(HOST_TROUBLE)
    except KeyboardInterrupt:
        sys.exit(130)
