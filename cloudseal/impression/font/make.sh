#!/bin/sh
# Makes the two fonts of the seal pictures from Debian's fonts-noto-cjk.
# Needs: fonts-noto-cjk, fonttools (pyftsubset), unicode-data, gzip. Under a minute.
set -eu
cd "$(dirname "$0")"
noto=/usr/share/fonts/opentype/noto
tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT

subset() { # source, name, where the characters come from
	pyftsubset "$1" --font-number=2 "$3" --layout-features='' --no-hinting \
		--desubroutinize --name-IDs='*' --output-file="$tmp/$2.otf"
	gzip -9 -n <"$tmp/$2.otf" >"$2.otf.gz"
}

/usr/bin/python3 charset.py >"$tmp/song.txt"
subset "$noto/NotoSerifCJK-Bold.ttc" song "--text-file=$tmp/song.txt"
subset "$noto/NotoSansCJK-Bold.ttc" figures '--text=0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ()-'
ls -l ./*.gz
