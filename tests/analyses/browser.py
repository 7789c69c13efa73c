#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The analyses' pages in a real browser, headless: nothing goes wrong in them, nothing hangs over, pictures are there, and they
do what they should when they are zoomed, clicked at and searched. Screenshots are left in build/log/."""
import html
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path[:0] = ["tests/trace"]
import traces  # noqa: E402

GUEST = ["-kernel", traces.LANTERN, "-append", "run=sleep 2"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

BEGIN = "<script>const errors = []; window.onerror = what => { errors.push(what); };</script>"
# What is seen of every page: errors, how far it hangs over, pictures without a size, text that is cut off on the left.
LOOK = """
const pictures = [...document.querySelectorAll('svg')], box = n => n.getBoundingClientRect();
seen.push(errors.length, document.documentElement.scrollWidth - window.innerWidth,
	pictures.filter(p => box(p).width < 500 || box(p).height < 20).length,
	[...document.querySelectorAll('svg text')].filter(t => box(t).left < -1 && t.textContent).length, pictures.length);
"""
# Turns the wheel over the middle of the first timeline, points at its beginning, then drags over its second quarter.
ZOOM = """
const svg = document.querySelector('.time'), at = (type, part, more) => {
	const b = svg.getBoundingClientRect();
	svg.dispatchEvent(new (type == 'wheel' ? WheelEvent : PointerEvent)(type,
		{ clientX: b.left + b.width * part, clientY: b.top + 5, pointerId: 1, cancelable: true, ...more }));
};
svg.setPointerCapture = () => {};
const view = () => seen.push(svg.getAttribute('viewBox').split(' ').slice(0, 3).map(Math.round).join(' '));
view(); at('wheel', .5, { deltaY: -1 }); view();
svg.dispatchEvent(new MouseEvent('dblclick')); view();
at('pointermove', 0); seen.push(document.querySelector('.says').textContent);
at('pointerdown', .25); at('pointermove', .4); at('pointerup', .5); view();
"""
FLAME = """
const frames = [...document.querySelectorAll('svg.flame g')];
const wide = g => Math.round(g.querySelector('rect').getAttribute('width')), named = name => frames.find(g => g.dataset.name == name);
const click = name => named(name).dispatchEvent(new MouseEvent('click')), before = wide(named('serial_put'));
click('serial_put');
seen.push(wide(named('all')), wide(named('serial_put')), named('trap_common').style.display);
click('all');
seen.push(wide(named('serial_put')) - before);
const input = document.querySelector('.find input');
input.value = 'VMI_'; input.dispatchEvent(new Event('input'));
seen.push(parseFloat(document.querySelector('.find output').textContent));
"""


def chromium(program, d, *words):
    return subprocess.run([program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                           "--user-data-dir=" + d + "/user", "--window-size=1300,3000", *words],
                          capture_output=True, text=True, timeout=90, check=False).stdout


def look(program, d, name, script, *words):
    """What the script has pushed to `seen` at the end of the page."""
    subprocess.run([f"scripts/{name}", "--html", d + "/p.html", *words], check=True, timeout=60)
    with open(d + "/p.html") as f:
        text = f.read()
    with open(d + "/z.html", "w") as f:
        f.write(text.replace("<body>", "<body>" + BEGIN).replace("</body>", "<script>{ const seen = [];" + LOOK + script +
                             "document.body.setAttribute('data-seen', JSON.stringify(seen)); }</script></body>"))
    out = chromium(program, d, "--dump-dom", f"file://{d}/z.html")
    chromium(program, d, f"--screenshot={d}/{name}.png", f"file://{d}/p.html")
    assert os.path.getsize(f"{d}/{name}.png") > 20000, name
    if os.access(os.environ.get("LOG", "/nonexistent"), os.W_OK):
        shutil.copy(f"{d}/{name}.png", os.environ["LOG"])
    found = json.loads(html.unescape(out.split('data-seen="')[1].split('"')[0]))
    assert found[0] == 0 and found[1] <= 0 and found[2] == 0 and found[3] == 0 and found[4] > 0, (name, found[:5])
    print(name, found)
    return found[5:]


def main(program):
    with tempfile.TemporaryDirectory() as d:
        traces.run(["-e", "set sample-every 2003"] + GUEST, d + "/t", "all,stacks")
        traces.run(GUEST + ["-engine", "bt"], d + "/bt", "all")
        for name, stops in (("vmi-freq", True), ("vmi-timeline", True), ("irq-latency", True), ("mmu-report", True),
                            ("bt-report", True)):
            seen = look(program, d, name, ZOOM, d + "/t")
            assert seen[:3] == ["0 0 1000", "100 0 800", "0 0 1000"] and seen[4] == "250 0 250", (name, seen)
            assert seen[3].startswith("break -icount ") == stops, seen
        seen = look(program, d, "vmi-timeline", ZOOM, "--axis", "ns", d + "/t")
        assert not seen[3].startswith("break"), seen
        look(program, d, "compare", "", d + "/bt", d + "/t")
        seen = look(program, d, "flame", FLAME, "--of", "calls", d + "/t")
        # What is too narrow to be drawn is not found.
        assert seen[:4] == [1200, 1200, "none", 0] and 80 < seen[4] <= 100, seen


FOUND = next((b for b in BROWSERS if shutil.which(b)), None)
if not FOUND or importlib.util.find_spec("bt2") is None:
    print("no browser: Debian's package chromium" if not FOUND else "python3-bt2 is not there")
    sys.exit(77)
traces.alone()
main(FOUND)
