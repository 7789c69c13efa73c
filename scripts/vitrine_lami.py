# SPDX-License-Identifier: GPL-3.0-or-later
"""LAMI 1.0, the machine interface of LTTng analyses, by which Trace Compass runs them: what an analysis is (--metadata),
whether it can read a trace (--test-compatibility), its tables (--lami)."""
import json

VERSION = (1, 0)
# Classes of data by a column's kind; durations are told by their names.
CLASSES = {"text": "string", "hex": "string", "int": "number", "float": "number", "percent": "ratio"}


def class_of(name, kind):
    return "duration" if name == "ns" or name.startswith("ns_") else CLASSES[kind]


def table_class(title, columns):
    described = [{"title": name, "class": class_of(name, kind)} for name, kind in columns]
    return {"title": title, "column-descriptions": described}


def metadata(parser, shapes):
    """shapes: the tables of a trace with nothing in it."""
    return {"mi-version": {"major": VERSION[0], "minor": VERSION[1]}, "version": {"major": 1, "minor": 0},
            "title": f"Vitrine: {parser.prog}", "authors": ["Vitrine"], "description": parser.description,
            "tags": ["vitrine", "virtual machine", "lttng-ust"],
            "table-classes": {t.name: table_class(parser.tables[t.name], t.columns) for t in shapes}}


def cell(column, value):
    name, kind = column
    if value is None:
        return None
    made = class_of(name, kind)
    if kind == "hex":
        value = f"{value:#010x}"
    return {"class": made, "value": round(value) if made == "duration" else value}


def moment(ns):
    return {"class": "timestamp", "value": ns}


def results(begin, end, tables, shapes):
    """The tables; begin and end: ns since 1970."""
    columns = {t.name: t.columns for t in shapes}
    made = []
    for t in tables:
        of = {"inherit": t.name, "title": t.title} if columns[t.name] == t.columns else table_class(t.title, t.columns)
        made.append({"time-range": {"class": "time-range", "begin": moment(begin), "end": moment(end)}, "class": of,
                     "data": [[cell(c, value) for c, value in zip(t.columns, row)] for row in t.rows]})
    return {"results": made}


def error(message, code):
    return {"error-message": message, "error-code": code}


def say(value):
    print(json.dumps(value))


def progress(share, events):
    print(f"{share:.3f} {events} events", flush=True)
