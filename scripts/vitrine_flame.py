# SPDX-License-Identifier: GPL-3.0-or-later
"""A flame graph: counts of stacks as one picture, an SVG that needs nothing else. A frame is as wide as the stacks that go
through it, callers are below; a click on one takes it closer."""
import html
import zlib

WIDE, ROW, LETTER = 1200, 20, 6.8
LEAST = WIDE / 2000  # narrower frames are left out
KINDS = {"VMI_": (205, 62), "user": (150, 45), "": (30, 78)}  # hue and saturation by how a name begins

SCRIPT = """
for (const picture of document.querySelectorAll('svg.flame')) {
	const frames = [...picture.querySelectorAll('g')].map(g => ({ g, rect: g.querySelector('rect'), text: g.querySelector('text'),
		from: +g.dataset.x, wide: +g.dataset.w, row: +g.dataset.row, name: g.dataset.name }));
	const zoom = to => {
		for (const f of frames) {
			const a = Math.max((f.from - to.from) / to.wide, 0), b = Math.min((f.from + f.wide - to.from) / to.wide, 1);
			const wide = (b - a) * WIDE;
			f.g.style.display = wide < .3 ? 'none' : '';
			if (wide < .3)
				continue;
			f.g.style.opacity = f.row < to.row ? .55 : 1;
			f.rect.setAttribute('x', a * WIDE);
			f.rect.setAttribute('width', wide);
			f.text.setAttribute('x', a * WIDE + 4);
			const letters = Math.floor((wide - 8) / LETTER);
			f.text.textContent = letters < 3 ? '' : f.name.length > letters ? f.name.slice(0, letters - 1) + '\\u2026' : f.name;
		}
	};
	for (const f of frames)
		f.g.addEventListener('click', () => zoom(f));
}
""".replace("WIDE", str(WIDE)).replace("LETTER", str(LETTER))

STYLE = """svg.flame { display: block; width: 100%; background: #fff; } svg.flame g { cursor: pointer; }
svg.flame text { font: 12px monospace; fill: #000; pointer-events: none; } svg.flame rect { stroke: #fff; stroke-width: .6; }
svg.flame g:hover rect { stroke: #000; }"""


class Frame:
    __slots__ = ("total", "own", "above")

    def __init__(self):
        self.total = self.own = 0
        self.above = {}

    def depth(self):
        """Of what is wide enough to be seen."""
        return 1 + max((f.depth() for f in self.above.values() if f.total), default=0)


def tree(stacks):
    """Of (names from the outermost inwards, count)."""
    root = Frame()
    for names, count in stacks:
        root.total += count
        at = root
        for name in names:
            at = at.above.setdefault(name, Frame())
            at.total += count
        at.own += count
    return root


def color(name):
    hue, saturation = next(c for begin, c in KINDS.items() if name.startswith(begin))
    mixed = zlib.crc32(name.encode())
    return f"hsl({hue + mixed % 25} {saturation}% {64 + mixed // 25 % 16}%)"


def frames_of(root):
    """(name, frame, its beginning as a share of all, row) of those wide enough."""
    left = [("all", root, 0.0, 0)]
    while left:
        name, frame, at, row = left.pop()
        yield name, frame, at, row
        for inner, above in sorted(frame.above.items()):
            if above.total * WIDE >= LEAST * root.total:
                left.append((inner, above, at, row + 1))
            at += above.total / root.total


def svg(root, title, what, alone=False):
    """The picture; alone: as a file of its own."""
    seen = list(frames_of(root))
    rows = 1 + max(row for _, _, _, row in seen)
    high = rows * ROW + 4
    out = [f'<svg class="flame" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" role="img" '
           f'aria-label="{html.escape(title)}">']
    if alone:
        out.append(f"<style>{STYLE}</style>")
    for name, frame, at, row in seen:
        share, y = frame.total / root.total, high - (row + 1) * ROW - 2
        wide = share * WIDE
        letters = int((wide - 8) / LETTER)
        shown = "" if letters < 3 else name if len(name) <= letters else name[:letters - 1] + "…"
        own = f", {frame.own:,} in it" if frame.own else ""
        out.append(f'<g data-x="{at:.6f}" data-w="{share:.6f}" data-row="{row}" data-name="{html.escape(name)}">'
                   f"<title>{html.escape(name)}: {frame.total:,} {what} ({share * 100:.2f} %){own}</title>"
                   f'<rect x="{at * WIDE:.2f}" y="{y}" width="{wide:.2f}" height="{ROW - 1}" rx="2" fill="{color(name)}"/>'
                   f'<text x="{at * WIDE + 4:.2f}" y="{y + 14}">{html.escape(shown)}</text></g>')
    if alone:
        out.append(f"<script><![CDATA[{SCRIPT}]]></script>")
    return "\n".join(out) + "</svg>"
