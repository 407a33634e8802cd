"""Write for people at a terminal: plain text, and colour where the terminal has it."""

import os
import re
import sys

GREEN, RED, BOLD, FAINT, PLAIN = ("\33[" + code + "m" for code in ("32", "31", "1", "2", "0"))
LOOKS = [  # how a line starts, and how it looks
    (r"  ✓", GREEN),
    (r"  ✗", RED),
    (r"\w+: solved\.", BOLD + GREEN),
    (r"\w+: not yet\.", BOLD + RED),
    (r"\w+: not attempted yet\.", FAINT),
    (r"  diagnosis:", BOLD),
]
SIMPLER = str.maketrans({"✓": "+", "✗": "-", "…": "..."})  # else each would be the same "?"


def has_colour(stream):
    """Whether a stream is a terminal with colours that nobody has asked to leave out."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and stream.isatty()


def printable(text):
    """Return text without what would steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def painted(line):
    """Return a line in the colour of what it says."""
    for start, look in LOOKS:
        if found := re.match(start, line):
            return f"{look}{found[0]}{PLAIN}{line[found.end() :]}"
    return line


def say(text="", stream=None):
    """Print text that may hold anything, coloured where the stream has colours."""
    stream = stream or sys.stdout
    if stream is None:  # closed by whoever called the command
        return
    lines = printable(str(text).expandtabs()).split("\n")
    shown = "\n".join(map(painted, lines) if has_colour(stream) else lines)
    encoding = stream.encoding or "utf-8"
    try:
        shown.encode(encoding)
    except UnicodeEncodeError:
        shown = shown.translate(SIMPLER)
    print(shown.encode(encoding, "replace").decode(encoding), file=stream, flush=True)
