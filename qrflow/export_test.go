package qrflow

// The few inner parts that have vectors of their own.

// FrameKeyHex gives the key of a ticket's frames.
func FrameKeyHex(secret []byte, ticket string) string { return frameKey(secret, ticket).Hex() }

// FrameMAC gives the proof of a frame.
func FrameMAC(secret []byte, ticket string, handle [16]byte, n uint32) [12]byte {
	return frameMAC(frameKey(secret, ticket), handle, n)
}

// HandleOf gives the handle of a ticket.
func HandleOf(secret []byte, ticket string) [16]byte { return handleOf(secret, ticket) }

// Number gives the digits of a claim.
func Number(secret []byte, claim string) string { return number(secret, claim) }

// ParseToken reads a page's token and writes it again.
func ParseToken(s string) (string, error) {
	t, err := parseToken(s)
	return t.String(), err
}
