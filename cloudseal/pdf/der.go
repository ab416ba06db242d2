package pdf

// derHead is the longest header that derLength reads.
const derHead = 6

// derLength gives the length of the DER value that begins with these bytes and
// has room for size: a SEQUENCE with a definite length in its shortest form
// (X.690 §8.1, §10.1). What is inside is not looked at here.
func derLength(b []byte, size int) (int, bool) {
	const sequence = 0x30
	if len(b) < 2 || b[0] != sequence {
		return 0, false
	}
	first := int(b[1])
	if first < 0x80 {
		return 2 + first, 2+first <= size
	}
	octets := first & 0x7F
	if octets == 0 || octets > 4 || len(b) < 2+octets || b[2] == 0 {
		return 0, false
	}
	n := 0
	for _, c := range b[2 : 2+octets] {
		n = n<<8 | int(c)
	}
	if n < 0x80 {
		return 0, false
	}
	n += 2 + octets
	return n, n <= size
}
