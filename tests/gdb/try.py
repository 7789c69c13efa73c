# SPDX-License-Identifier: GPL-3.0-or-later
"""For gdb's sessions: `try COMMAND` does not end the session when the command fails."""
import gdb


class Try(gdb.Command):
    """Run a command; say what is wrong with it and go on."""

    def __init__(self):
        super().__init__("try", gdb.COMMAND_USER)

    def invoke(self, argument, from_tty):
        try:
            gdb.execute(argument)
        except gdb.error as e:
            print(e)


Try()
