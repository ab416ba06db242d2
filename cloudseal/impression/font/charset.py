"""Writes the characters of the seal font, sorted, without a line end.

GBK, the general standard characters (kTGH of the Unihan database) and
printable ASCII.
"""
import bz2, glob

chars = {chr(c) for c in range(0x20, 0x7F)} | set("·•〇")
for lead in range(0x81, 0xFF):
    for trail in range(0x40, 0xFF):
        try:
            chars.add(bytes([lead, trail]).decode("gbk"))
        except UnicodeDecodeError:
            pass
for name in glob.glob("/usr/share/unicode/Unihan_*.txt.bz2"):
    for line in bz2.open(name, "rt", encoding="utf-8"):
        if "\tkTGH\t" in line:
            chars.add(chr(int(line.split("\t")[0][2:], 16)))
print("".join(sorted(c for c in chars if c.isprintable() or c == "\u3000")), end="")
