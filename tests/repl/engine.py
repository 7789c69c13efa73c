# SPDX-License-Identifier: GPL-3.0-or-later
"""engine bt|vmi: what is chosen holds from the next start of the guest on, and then the machine is the one that -engine makes."""
import os
import tempfile

from console import LANTERN, has_in_order as has, said


def session(*commands, options=()):
    return said((*(options if "-append" in options else ("-append", "test", *options)), LANTERN), *commands)


STOP = "tbreak -icount 3000000"
HIDDEN = "^the VMI ROM is hidden"

# Nothing changes until the guest starts anew; then everything.
for start in ("run", "reset"):
    text = session(STOP, "run", "engine bt", "info vmi", STOP, start, "engine", "info vmi", "p VMI_SetPxE", "top vmi 10", "catch vmi SetPxE")
    has(text, r"^engine vmi: .* shown to the guest$", r"^engine bt from the guest's next start on \(`run', `reset'\)$", r"^VMI is active",
        r"^engine bt: .* hidden$", HIDDEN, "VMI_SetPxE", HIDDEN)
    assert text.count("from the guest's next start") == 1, text
has(session("engine bt", STOP, "run", "engine", "engine vmi", STOP, "run", "info vmi", "p VMI_SetPxE", options=("-engine", "vmi")),
    "^engine bt: ", "^engine bt: ", r"^VMI is active", r"^SetPxE +\d+ ", "= 0x")
# Taken back before it took effect.
has(session(STOP, "run", "engine bt", "engine vmi", STOP, "run", "info vmi"), "^VMI is active")
has(session("engine xen", "engine bt vmi"), "^expected bt or vmi, found `xen'", "^expected bt or vmi, found `bt vmi'")

# A guest that resets itself starts anew, too.
text = session("tbreak sys_power", "run", "info vmi", "engine bt", "tbreak kernel_main", "continue", "engine", options=("-append", "run=reboot"))
has(text, "^VMI is active", "^engine bt from", "^engine bt: ")

# The machine is that of the option, byte for byte, and so is what follows.
with tempfile.TemporaryDirectory() as d:
    for first, second in (("vmi", "bt"), ("bt", "vmi")):
        paths = os.path.join(d, "switched"), os.path.join(d, "fresh")
        changed = session(STOP, "run", f"engine {second}", STOP, "run", f"save {paths[0]}", "continue", "stats json",
                          options=("-no-reboot", "-engine", first))
        fresh = session(STOP, "run", f"save {paths[1]}", "continue", "stats json", options=("-no-reboot", "-engine", second))
        with open(paths[0], "rb") as a, open(paths[1], "rb") as b:
            assert a.read() == b.read(), (first, second)
        assert changed[changed.rindex("{"):] == fresh[fresh.rindex("{"):], (changed[-3000:], fresh[-3000:])
    # A saved machine is of one kind: this one can become that.
    text = session(f"load {paths[1]}", "engine bt", f"load {paths[1]}", "reset", f"load {paths[1]}", "engine vmi", "reset", f"load {paths[1]}")
    assert text.count("The machine of") == 3 and text.count("was saved with -engine vmi; this machine has -engine bt") == 1, text
