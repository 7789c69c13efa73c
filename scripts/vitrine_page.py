# SPDX-License-Identifier: GPL-3.0-or-later
"""One self-contained page of an analysis: its tables with bars, and what happened over guest time, to zoom into."""
import collections
import html
import json
import math

import vitrine_flame

WIDE, HIGH = 1000, 320  # of a timeline, in its own units
MOST = 8  # things told apart by color; the rest are one
COLORS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a6fdf", "#b8a800", "#8c8c8c"]

# What a table's picture is. Bars: columns that name a row, and the one that is its length; the longest first, or in order.
Bars = collections.namedtuple("Bars", "names value in_order", defaults=[False])
# Timeline: rows as vitrine_trace.Series has them, of what.
Timeline = collections.namedtuple("Timeline", "rows what")
# Lanes: rows likewise; a lane for each of names, over what unit; are these instruction counts to stop at?
Lanes = collections.namedtuple("Lanes", "rows names unit stops")
# Flame: a tree of vitrine_flame, of what.
Flame = collections.namedtuple("Flame", "root what")

STYLE = """
:root { color-scheme: light dark; --ink: #1c2126; --soft: #66707a; --line: #d9dee3; --back: #ffffff; --bar: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebee; --soft: #9aa5b0; --line: #39424b; --back: #14181c; --bar: #56b4e9; } }
body { margin: 2.5rem auto; max-width: 78rem; padding: 0 1.5rem; background: var(--back); color: var(--ink);
	font: 18px/1.45 system-ui, sans-serif; }
h1 { font-size: 2.2rem; margin: 0 0 .2rem; } h2 { font-size: 1.5rem; margin: 3rem 0 .8rem; }
p, summary, .axis, .key { color: var(--soft); } code { font-size: .9em; overflow-wrap: anywhere; }
svg { display: block; width: 100%; } svg text { font: 17px system-ui, sans-serif; fill: var(--ink); }
svg .value { fill: var(--soft); } .bar { fill: var(--bar); }
.time { height: 20rem; border-bottom: 2px solid var(--soft); cursor: crosshair; touch-action: none; }
.axis { display: flex; justify-content: space-between; font-variant-numeric: tabular-nums; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: .6rem 0; }
.key i { display: inline-block; width: .9em; height: .9em; margin-right: .4em; vertical-align: -.08em; border-radius: 2px; }
.says { min-height: 3em; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; } .text { text-align: left; } .hex { text-align: left; font-family: monospace; }
.laned { display: grid; grid-template-columns: max-content 1fr; column-gap: .8rem; } .laned > * { grid-column: 2; }
.laned .lanes { grid-column: 1; grid-row: 1; text-align: right; font-size: 15px; } .lanes span { display: block; height: 24px; line-height: 24px; }
.find { color: var(--soft); } .find input { font: inherit; width: 16rem; margin: 0 .6rem .6rem .3rem; }
svg.flame text { font: 12px monospace; fill: #000; }
summary { cursor: pointer; margin: .6rem 0; }
"""

SCRIPT = """
'use strict';
for (const part of document.querySelectorAll('.timeline')) {
	const data = JSON.parse(part.querySelector('script').textContent), all = data.rows.length;
	const svg = part.querySelector('svg'), says = part.querySelector('.says');
	const [left, middle, right] = part.querySelectorAll('.axis span');
	const idle = says.textContent, scale = WIDE / all;
	let from = 0, to = all, held = null;
	const mark = svg.querySelector('.mark');
	const count = n => Math.round(n).toLocaleString('en');
	function show() {
		svg.setAttribute('viewBox', `${from * scale} 0 ${(to - from) * scale} ${data.high}`);
		left.textContent = count(data.begin + from * data.length);
		middle.textContent = data.unit + ' (' + count((to - from) * data.length) + ' shown)';
		right.textContent = count(data.begin + to * data.length);
	}
	function set(a, b) {
		const least = Math.min(4, all), length = Math.min(Math.max(b - a, least), all);
		from = Math.min(Math.max(a, 0), all - length); to = from + length; show();
	}
	const slot = e => {
		const box = svg.getBoundingClientRect();
		return from + Math.min(Math.max((e.clientX - box.left) / box.width, 0), .999999) * (to - from);
	};
	svg.addEventListener('wheel', e => {
		e.preventDefault();
		const at = slot(e), by = e.deltaY < 0 ? .8 : 1.25;
		set(at - (at - from) * by, at + (to - at) * by);
	}, { passive: false });
	svg.addEventListener('pointerdown', e => { held = slot(e); svg.setPointerCapture(e.pointerId); });
	svg.addEventListener('pointerup', e => {
		const at = slot(e), a = Math.min(at, held), b = Math.max(at, held);
		mark.setAttribute('width', 0); held = null;
		if (b - a > (to - from) / 100) set(a, b);
	});
	svg.addEventListener('dblclick', () => set(0, all));
	svg.addEventListener('pointermove', e => {
		const at = slot(e), row = data.rows[Math.floor(at)];
		if (held !== null) {
			mark.setAttribute('x', Math.min(at, held) * scale);
			mark.setAttribute('width', Math.abs(at - held) * scale);
		}
		const icount = data.begin + Math.floor(at) * data.length;
		const parts = data.names.map((name, n) => [name, row[n]]).filter(p => p[1]).sort((a, b) => b[1] - a[1]);
		says.textContent = (data.stops ? 'break -icount ' : '') + `${icount}: ` + (parts.map(p => p[0] + ' ' + count(p[1])).join(', ') || 'none');
	});
	svg.addEventListener('pointerleave', () => { says.textContent = idle; });
	show();
}
for (const find of document.querySelectorAll('.find')) {
	const frames = [...find.parentNode.querySelectorAll('svg.flame g')], says = find.querySelector('output');
	find.querySelector('input').addEventListener('input', e => {
		const word = e.target.value.toLowerCase();
		let share = 0, end = -1; /* of the lowest ones: what is above them is theirs */
		for (const g of frames)
			g.querySelector('rect').style.fill = word && g.dataset.name.toLowerCase().includes(word) ? '#e3008c' : '';
		const found = frames.filter(g => word && g.dataset.name.toLowerCase().includes(word));
		for (const g of found.sort((a, b) => a.dataset.x - b.dataset.x || a.dataset.row - b.dataset.row))
			if (+g.dataset.x >= end - 1e-9) {
				share += +g.dataset.w;
				end = +g.dataset.x + +g.dataset.w;
			}
		says.textContent = word ? (share * 100).toFixed(1) + ' %' : '';
	});
}
""".replace("WIDE", str(WIDE))


def text(value):
    return html.escape(str(value))


def bars(table):
    """A bar a row, 20 of them at most."""
    columns = [name for name, _ in table.columns]
    value = columns.index(table.picture.value)
    rows = [row for row in table.rows if row[value]]
    rows = rows if table.picture.in_order else sorted(rows, key=lambda row: -row[value])[:20]
    if not rows:
        return ""
    names = [" ".join(table.shown(row, False)[columns.index(name)] for name in table.picture.names) for row in rows]
    most, begin = max(row[value] for row in rows), max(sum(13 if c.isupper() else 10.5 for c in name[:40]) for name in names) + 14
    out = [f'<svg viewBox="0 0 1000 {len(rows) * 28 + 4}" role="img" aria-label="{text(table.title)}">']
    for n, (name, row) in enumerate(zip(names, rows)):
        y, width = n * 28, max(row[value] / most * (880 - begin), 1)
        short = name if len(name) <= 40 else name[:39] + "…"
        out.append(f'<text x="{begin - 10:.0f}" y="{y + 20}" text-anchor="end">{text(short)}</text>'
                   f'<rect class="bar" x="{begin:.0f}" y="{y + 4}" width="{width:.1f}" height="21" rx="2"/>'
                   f'<text class="value" x="{begin + width + 8:.0f}" y="{y + 20}">{text(f"{row[value]:,}")}</text>')
    return "\n".join(out) + "</svg>"


def timeline(table):
    """Stacked counts by interval; the script zooms by changing what of the picture is seen."""
    rows = table.picture.rows
    total = sum((counts for _, _, counts in rows), collections.Counter())
    if not total:
        return ""
    names = [name for name, _ in sorted(total.items(), key=lambda item: (-item[1], item[0]))[:MOST]]
    values = [[counts[name] for name in names] for _, _, counts in rows]
    if len(total) > MOST:
        names.append("others")
        for row, (_, _, counts) in zip(values, rows):
            row.append(sum(counts.values()) - sum(row))
    most, step = max(map(sum, values)), WIDE / len(rows)
    # A square root, so that what is rare is seen beside a burst; shares of a column stay what they are.
    tops = [math.sqrt(sum(row) / most) * (HIGH - 10) for row in values]
    out, key = [], []
    for n, name in enumerate(names):
        color, path = COLORS[n if name != "others" else -1], []
        for slot, row in enumerate(values):
            if row[n]:
                high = tops[slot] / sum(row)
                y = HIGH - sum(row[:n + 1]) * high
                path.append(f"M{slot * step:.2f} {y:.2f}h{step:.2f}v{row[n] * high:.2f}h{-step:.2f}z")
        out.append(f'<path fill="{color}" d="{"".join(path)}"/>')
        key.append(f'<span><i style="background:{color}"></i>{text(name)}</span>')
    begin, length, _ = rows[0]
    says = (f"{text(table.picture.what)} in intervals of {length:,} instructions, at most {most:,}; heights are square roots. "
            f"{POINTER}")
    return zoomed(table, "".join(out), f'<div class="key">{"".join(key)}</div>', says,
                  {"begin": begin, "length": length, "names": names, "rows": values, "high": HIGH,
                   "unit": "guest instructions", "stops": True})


POINTER = "Wheel or drag: closer. Double click: all. The line here says where the pointer is."


def zoomed(table, paths, before, says, data, style=""):
    """A picture over time that the script zooms into; data: what it says of where the pointer is."""
    begin, end = data["begin"], data["begin"] + len(data["rows"]) * data["length"]
    packed = json.dumps(data).replace("<", "\\u003c")
    return f'''<div class="timeline">{before}
<svg class="time" {style} viewBox="0 0 {WIDE} {data["high"]}" preserveAspectRatio="none" role="img" aria-label="{text(table.title)}">
{paths}<rect class="mark" y="0" height="{data["high"]}" width="0" fill="#88888855"/></svg>
<div class="axis"><span>{begin:,}</span><span>{text(data["unit"])}</span><span>{end:,}</span></div>
<p class="says">{says}</p>
<script type="application/json">{packed}</script></div>'''


LANE, SHADES = 24, 6  # its height; how many tell the counts of an interval apart


def shades_of(values):
    """Runs of neighbours with about the same count, as (shade from 1 on, first, end)."""
    most, slot = math.log1p(max(values)), 0
    shades = [math.ceil(math.log1p(value) / most * SHADES) for value in values]
    while slot < len(shades):
        end = slot + 1
        while end < len(shades) and shades[end] == shades[slot]:
            end += 1
        if shades[slot]:
            yield shades[slot], slot, end
        slot = end


def lanes_of(picture):
    """A lane for each name, the darker the more there are of it in an interval."""
    step, out = WIDE / len(picture.rows), []
    for lane, name in enumerate(picture.names):
        paths = collections.defaultdict(list)
        for shade, slot, end in shades_of([counts[name] for _, _, counts in picture.rows]):
            wide = (end - slot) * step
            paths[shade].append(f"M{slot * step:.2f} {lane * LANE + 2}h{wide:.2f}v{LANE - 4}h{-wide:.2f}z")
        color = COLORS[lane % (len(COLORS) - 1)]
        out += [f'<path fill="{color}" fill-opacity="{.25 + .75 * shade / SHADES:.2f}" d="{"".join(path)}"/>'
                for shade, path in sorted(paths.items())]
    return "\n".join(out)


def lanes(table):
    picture = table.picture
    begin, length, _ = picture.rows[0]
    high = len(picture.names) * LANE
    labels = "".join(f"<span>{text(name)}</span>" for name in picture.names)
    says = f"In intervals of {length:,}; the darker the more, by the logarithm. {POINTER}"
    return zoomed(table, lanes_of(picture), f'<div class="lanes">{labels}</div>', says,
                  {"begin": begin, "length": length, "names": picture.names, "high": high, "unit": picture.unit,
                   "rows": [[counts[name] for name in picture.names] for _, _, counts in picture.rows],
                   "stops": picture.stops}, f'style="height:{high}px"').replace('class="timeline"', 'class="timeline laned"')


def lanes_alone(table):
    """The same as a picture of its own, an SVG."""
    picture, left, right = table.picture, 170, 1200
    high = len(picture.names) * LANE
    begin, length, _ = picture.rows[0]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right} {high + 34}"><style>text {{ font: 14px sans-serif; }}'
           f'</style><rect width="100%" height="100%" fill="#fff"/>']
    out += [f'<text x="{left - 10}" y="{n * LANE + 17}" text-anchor="end">{text(name)}</text>'
            for n, name in enumerate(picture.names)]
    out.append(f'<g transform="translate({left} 0) scale({(right - left) / WIDE} 1)">{lanes_of(picture)}</g>')
    for x, anchor, words in ((left, "start", f"{begin:,}"), ((left + right) / 2, "middle", picture.unit),
                             (right, "end", f"{begin + len(picture.rows) * length:,}")):
        out.append(f'<text x="{x}" y="{high + 22}" text-anchor="{anchor}" fill="#66707a">{text(words)}</text>')
    return "\n".join(out) + "</svg>\n"


def flame(table):
    return ('<label class="find">Find <input type="search"> <output></output></label>' +
            vitrine_flame.svg(table.picture.root, table.title, table.picture.what) +
            '<p class="says">As wide as often; callers are below. Click: closer; the lowest: all.</p>')


PICTURES = {Bars: bars, Timeline: timeline, Lanes: lanes, Flame: flame}


def rows_of(table):
    out = ["<div class=wide><table><tr>" + "".join(f'<th class="{kind}">{text(name)}</th>' for name, kind in table.columns)
           + "</tr>"]
    for row in table.rows:
        cells = zip(table.shown(row, False), table.columns)
        out.append("<tr>" + "".join(f'<td class="{kind}">{text(cell)}</td>' for cell, (_, kind) in cells) + "</tr>")
    return "\n".join(out) + "</table></div>"


def page(program, traces, tables):
    """The page as text; traces: those that were read."""
    out = [f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{text(program)}</title>'
           f'<meta name="viewport" content="width=device-width"><style>{STYLE}{vitrine_flame.STYLE}</style></head><body>'
           f"<h1>{text(program)}</h1>"]
    for trace in traces:
        machine = trace.machine
        about = f"{machine['guest']} on {machine['engine']}: " if "guest" in machine and "engine" in machine else ""
        lost = f", {trace.discarded:,} more were lost" if trace.discarded else ""
        command = " ".join(map(str, machine.get("command", [])))
        out.append(f"<p>{text(about)}{trace.events:,} events in {text(trace.directory)}{lost}<br><code>{text(command)}</code></p>")
    for table in tables:
        picture = PICTURES[type(table.picture)](table) if table.picture else ""
        out.append(f'<section id="{text(table.name)}"><h2>{text(table.title)}</h2>{picture}')
        rows = rows_of(table)
        out.append(f"<details><summary>the numbers</summary>{rows}</details></section>" if picture else rows + "</section>")
    out.append(f"<script>{SCRIPT}{vitrine_flame.SCRIPT}</script></body></html>")
    return "\n".join(out) + "\n"
