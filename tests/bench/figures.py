"""Numbers and tables. A table is Markdown, so that what a run prints can stand in RESULTS.md as it is."""

import math


def percentile(values, share):
    """Nearest rank: a value that was really measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def p50(values):
    return percentile(values, 0.50)


def p99(values):
    return percentile(values, 0.99)


def mean(values):
    return sum(values) / len(values)


def ms(seconds):
    return f"{seconds * 1000:.2f}" if seconds < 0.1 else f"{seconds * 1000:.0f}"


def kib(amount):
    return f"{amount / 1024:.0f}"


def mib(amount):
    return f"{amount / 1048576:.2f}"


def ratio(value, peer):
    return f"{value / peer:.2f}"


def times_row(name, seconds, peer):
    """A row of a table of durations; peer is what the median is compared with."""
    return [name, len(seconds), ms(p50(seconds)), ms(p99(seconds)), ratio(p50(seconds), peer)]


def table(title, head, rows, notes=()):
    """Prints a table; the first column is text, the others are figures."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in [head, *cells]) for at in range(len(head))]

    def line(row):
        first, rest = row[0].ljust(widths[0]), [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        return "| " + " | ".join([first, *rest]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2)] + ["-" * (width + 1) + ":" for width in widths[1:]]) + "|"
    print(f"\n### {title}\n", line(head), rule, *map(line, cells), sep="\n")
    for note in notes:
        print(f"\n{note}")
    print(flush=True)
