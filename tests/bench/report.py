# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and the picture of what bench.py measured."""
import math

TITLES = {"compute": "user code: compute", "calls": "user code: interpreters, calls", "fpu": "user code: x87, SSE, strings",
          "kernel": "kernel-heavy", "stress": "stress-ng's kernel stressors", "long": "2,000 short programs"}
NAMES = {"bt": "BT", "tcg": "TCG", "icount": "TCG-icount", "twice": "BT-twice"}
COLOURS = {"bt": "#2a7f62", "tcg": "#9aa4ad", "icount": "#cfd6db"}


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def ratio(result, name, engine, to="native", of=min):
    ours, base = (result["seconds"].get(e, {}).get(name) for e in (engine, to))
    return of(ours) / of(base) if ours and base else None


def cell(x, width=9, digits=2):
    return f"{'-':>{width}}" if x is None else f"{x:{width}.{digits}f}"


def show(result, middle=None):
    """Ratios to native of the least times, of the medians behind them if `middle` is given."""
    columns = [e for e in result["seconds"] if e != "native"]
    both = "bt" in columns and "tcg" in columns
    print(f"{'processor time':<15}{'native':>9}" + "".join(f"{NAMES[c]:>11}" for c in columns) + ("  TCG/BT" if both else "") +
          ("   medians: BT  TCG/BT" if middle else ""))

    def line(name, of_engine, seconds, medians):
        text = f"{name:<15}" + (f"{seconds:8.3f}s" if seconds else " " * 9) + "".join(cell(of_engine(c), 11) for c in columns)
        if both:
            text += cell(of_engine("tcg", "bt"), 8)
        if middle:
            text += cell(medians("bt"), 14) + cell(medians("tcg", "bt"), 8)
        print(text)

    classes = result["classes"]
    for kind, title in TITLES.items():
        names = [n for n, c in classes.items() if c == kind and n in result["seconds"]["native"]]
        if not names:
            continue
        print(title)
        for name in names:
            line(name, lambda e, to="native", n=name: ratio(result, n, e, to), min(result["seconds"]["native"][name]),
                 lambda e, to="native", n=name: ratio(result, n, e, to, middle))

        def mean_of(e, to="native", of=min, names=tuple(names)):
            return mean([r for n in names if (r := ratio(result, n, e, to, of))])

        line("= mean", mean_of, None, lambda e, to="native", m=mean_of: m(e, to, middle))
    boots = {e: min(result["seconds"][e]["boot"]) for e in columns if result["seconds"][e].get("boot")}
    if "bt" in boots:
        print("boot of Debian's kernel to its first program: " +
              ", ".join(f"{NAMES[e]} {t:.2f} s" for e, t in boots.items()))


def show_bars(bars):
    if not bars:
        return
    print("\nbars")
    for b in bars:
        print(f"  {'held' if b.held else 'MISSED':<7}{b.name:<62} {b.limit:>14}   {b.figure}")


def draw(result, path):
    """A bar for each machine and workload, its length the logarithm of the ratio to native."""
    left, top, width, thick = 130, 76, 560, 7
    engines = [e for e in COLOURS if e in result["seconds"]]
    classes, shapes, y = result["classes"], [], top
    ratios = {(n, e): ratio(result, n, e) for n in classes for e in engines}
    seen = [r for r in ratios.values() if r]
    if not seen:
        return
    low, high = min(0.8, *seen), max(4, *seen) * 1.1

    def x(value):
        return left + math.log(value / low) / math.log(high / low) * width

    for kind, title in TITLES.items():
        names = [n for n, c in classes.items() if c == kind and any(ratios[n, e] for e in engines)]
        if not names:
            continue
        shapes.append(f'<text x="20" y="{y + 12}" class="group">{title}</text>')
        y += 20
        for name in names:
            shapes.append(f'<text x="{left - 10}" y="{y + thick * len(engines) / 2 + 4}" class="name">{name}</text>')
            for e in engines:
                r = ratios[name, e]
                if r:
                    a, b = sorted((x(1), x(r)))
                    shapes.append(f'<rect x="{a:.1f}" y="{y}" width="{max(b - a, 1):.1f}" height="{thick - 1}" fill="{COLOURS[e]}"/>'
                                  f'<text x="{max(b, x(1)) + 4:.1f}" y="{y + thick - 1}" class="value">{r:.2f}</text>')
                y += thick
            y += 6
        y += 8
    grid = []
    for value in (0.25, 0.5, 1, 1.5, 2, 4, 8, 16, 32, 64):
        if low <= value <= high:
            grid.append(f'<line x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{top - 4}" y2="{y}" '
                        f'stroke="{"#333" if value == 1 else "#e2e2e2"}"/>'
                        f'<text x="{x(value):.1f}" y="{top - 10}" class="tick">{value:g}</text>')
    key = "".join(f'<rect x="{20 + 150 * i}" y="38" width="12" height="10" fill="{COLOURS[e]}"/>'
                  f'<text x="{38 + 150 * i}" y="47">{ {"bt": "Vitrine, BT", "tcg": "QEMU TCG", "icount": "QEMU TCG, -icount"}[e] }</text>'
                  for i, e in enumerate(engines))
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 60}" height="{y + 30}" '
                'font-family="DejaVu Sans, sans-serif" font-size="11">\n'
                '<style>.group,.title{font-weight:bold}.title{font-size:15px}.name{text-anchor:end}'
                '.tick{text-anchor:middle;fill:#555}.value{font-size:8px;fill:#555}</style>\n'
                '<rect width="100%" height="100%" fill="white"/>\n'
                f'<text x="20" y="24" class="title">Processor time to that of the same program run natively (1)</text>{key}\n' +
                "\n".join(grid + shapes) +
                f'\n<text x="20" y="{y + 20}" class="tick" style="text-anchor:start">least of {result["rounds"]} round{"s" * (result["rounds"] > 1)}; '
                f'load {result["load"][0]} to {result["load"][1]}; '
                f'{result["program"]}, {result["when"]}, {result["host"]}</text>\n</svg>\n')
