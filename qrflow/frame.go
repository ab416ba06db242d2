package qrflow

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"yunzhang.dev/cloudseal/gm"
)

// Sizes of a frame's parts (protocol.md §2.3).
const (
	handleSize = 16
	macSize    = 12
)

// ErrQR refuses a text that is not exactly one of our codes.
var ErrQR = errors.New("qrflow: not a code of this system")

// Scan is what a phone reads from the code, as it goes to the server.
type Scan struct {
	Handle string // base64url of 16 bytes
	N      int64  // number of the frame
	MAC    string // base64url of 12 bytes
}

// frame is a Scan in bytes.
type frame struct {
	handle [handleSize]byte
	n      uint32
	mac    [macSize]byte
}

// ParseQR reads the text of a code. base is the address of the landing page,
// such as "https://s.example.gov.cn/q": everything in front of "#1." must be
// exactly that, so another host, scheme, port, user or spelling is no code of
// ours.
func ParseQR(base, text string) (Scan, error) {
	rest, ours := strings.CutPrefix(text, base+"#1.")
	parts := strings.Split(rest, ".")
	if !ours || len(parts) != 3 {
		return Scan{}, ErrQR
	}
	n, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil || strconv.FormatUint(n, 10) != parts[1] {
		return Scan{}, ErrQR
	}
	scan := Scan{Handle: parts[0], N: int64(n), MAC: parts[2]}
	if _, err := scan.frame(); err != nil {
		return Scan{}, err
	}
	return scan, nil
}

// frame checks every part; there is one spelling of each.
func (s Scan) frame() (f frame, err error) {
	if s.N < 0 || s.N > math.MaxUint32 {
		return frame{}, ErrQR
	}
	f.n = uint32(s.N)
	if !decode(f.handle[:], s.Handle) || !decode(f.mac[:], s.MAC) {
		return frame{}, ErrQR
	}
	return f, nil
}

// decode fills dst from base64url without padding; false when s is anything
// but the one spelling of that many bytes.
func decode(dst []byte, s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && copy(dst, b) == len(dst) && base64.RawURLEncoding.EncodeToString(dst) == s
}

// frameKey is the key of one ticket's frames: HMAC-SM3(K_qr, "cseal-qr-key/1" ‖
// 0x00 ‖ ticket).
func frameKey(secret []byte, ticket string) gm.Digest {
	return gm.HMAC(secret, []byte("cseal-qr-key/1\x00"), []byte(ticket))
}

// frameMAC is the first 12 bytes of HMAC-SM3(key, "cseal-qr/1" ‖ 0x00 ‖ handle ‖
// uint32be(n)).
func frameMAC(key gm.Digest, handle [handleSize]byte, n uint32) (mac [macSize]byte) {
	full := gm.HMAC(key[:], []byte("cseal-qr/1\x00"), handle[:], binary.BigEndian.AppendUint32(nil, n))
	copy(mac[:], full[:])
	return mac
}

// genuine reports in constant time whether we made the frame for this ticket.
func (f frame) genuine(secret []byte, ticket string) bool {
	mac := frameMAC(frameKey(secret, ticket), f.handle, f.n)
	return subtle.ConstantTimeCompare(f.mac[:], mac[:]) == 1
}

// Roll is the codes of one open ticket, from the time at which it was asked for.
// It holds the key of the ticket's frames and is not to be written anywhere.
type Roll struct {
	base             string
	handle           [handleSize]byte
	key              gm.Digest
	period, accepted time.Duration // of one frame; of the frames that are accepted
	shown            time.Duration // how long the code was on the page when it was asked for
	left             time.Duration // until the deadline of the ticket
}

// At gives the text of the code to show so long after Roll was asked for, its
// number, and for how long it will be accepted; false when the ticket has lapsed
// by then.
func (r Roll) At(after time.Duration) (text string, n int, validFor time.Duration, ok bool) {
	shown, left := r.shown+after, r.left-after
	if left <= 0 {
		return "", 0, 0, false
	}
	current := uint32(shown / r.period)
	end := time.Duration(current)*r.period + r.accepted
	return qrText(r.base, r.handle, r.key, current), int(current), min(end-shown, left), true
}

// qrText gives the text of frame n.
func qrText(base string, handle [handleSize]byte, key gm.Digest, n uint32) string {
	mac := frameMAC(key, handle, n)
	enc := base64.RawURLEncoding.EncodeToString
	return base + "#1." + enc(handle[:]) + "." + strconv.FormatUint(uint64(n), 10) + "." + enc(mac[:])
}

func handleOf(secret []byte, ticket string) (handle [handleSize]byte) {
	copy(handle[:], derive(secret, labelHandle, ticket, 0))
	return handle
}

// hashHandle is what the row keeps of the handle.
func hashHandle(handle [handleSize]byte) gm.Digest {
	return gm.SM3([]byte("cseal-handle-row/1\x00"), handle[:])
}

// currentFrame is the number of the frame to show now.
func (l Limits) currentFrame(t *Ticket, now time.Time) uint32 {
	return uint32(max(now.Sub(t.OpenedAt)/l.Frame, 0))
}

// fresh reports whether frame n may still be presented: the current one and the
// few before it, by store time.
func (l Limits) fresh(t *Ticket, now time.Time, n uint32) bool {
	current := int64(l.currentFrame(t, now))
	return int64(n) <= current && current-int64(n) < int64(l.Frames)
}
