"""What processes cost in memory, mapping by mapping."""

import os
import re
import struct

PAGE = os.sysconf("SC_PAGESIZE")
HEADER = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+) *(.*)")
FRAME = (1 << 55) - 1
PRESENT, SHARED_FILE = 1 << 63, 1 << 61


class Cost:
    """Bytes: pss as the kernel shares pages out among all processes of the machine, and what is only this process's own."""

    def __init__(self):
        self.pss = self.rss = self.private_dirty = self.private_clean = 0

    def add(self, other):
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def part_name(path, last_file):
    """What a mapping belongs to. The anonymous tail of a file's mapping (its .bss) is the file's."""
    if path.startswith("/"):
        return re.sub(r"[-.0-9]*\.so[.0-9]*$", "", os.path.basename(path.removesuffix(" (deleted)")))
    return {"[heap]": "heap", "[stack]": "stack"}.get(path) or (last_file if last_file else "anonymous")


def mappings(pid):
    """(start, end, part) of each mapping that can cost anything, with the text of its figures."""
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as text:
        lines = text.read().splitlines()
    found, end_of_file, last_file = [], 0, None
    for line in lines:
        header = HEADER.match(line)
        if not header:
            found[-1][3].append(line)
            continue
        start, end, path = int(header[1], 16), int(header[2], 16), header[5]
        part = part_name(path, last_file if start == end_of_file else None)
        if path.startswith("/") or part == last_file:
            end_of_file, last_file = end, part
        found.append((start, end, part, []))
    return found


def costs(pid):
    """part → Cost"""
    fields = {"Pss": "pss", "Rss": "rss", "Private_Dirty": "private_dirty", "Private_Clean": "private_clean"}
    parts = {}
    for _, _, part, lines in mappings(pid):
        cost = parts.setdefault(part, Cost())
        for line in lines:
            name, _, value = line.partition(":")
            if name in fields:
                setattr(cost, fields[name], getattr(cost, fields[name]) + int(value.split()[0]) * 1024)
    return {part: cost for part, cost in parts.items() if cost.rss}


def total(parts):
    whole = Cost()
    for cost in parts.values():
        whole.add(cost)
    return whole


def pss(pids):
    return sum(total(costs(pid)).pss for pid in pids)


def frames(pid):
    """The physical pages of a process. A machine's zero page and the kernel's own mappings count for nobody."""
    found = set()
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        for start, end, _, _ in mappings(pid):
            if start >= 1 << 47:
                continue
            pagemap.seek(start // PAGE * 8)
            data = pagemap.read((end - start) // PAGE * 8)
            for (entry,) in struct.iter_unpack("=Q", data):
                if entry & PRESENT:
                    found.add(entry & FRAME)
    return found


def distinct(pids):
    """Bytes of all pages that the processes have together, each counted once, whoever else uses it: what they would cost on a
    machine where nobody else has the same libraries loaded. Never less than the sum of their PSS."""
    pages = set()
    for pid in pids:
        pages |= frames(pid)
    return len(pages) * PAGE


def peak_rss(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) * 1024
