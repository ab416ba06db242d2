package qrflow_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"testing"

	"yunzhang.dev/qrflow"
)

const (
	base   = "https://s.example.gov.cn/q"
	ticket = "tk_01JD8Y3V7Q4N6M2K9H5B0C1E2F"
)

// counting gives n bytes from first on.
func counting(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

// The frames of protocol.md, Annex A.
func TestAnnexAFrames(t *testing.T) {
	t.Parallel()
	secret, handle := counting(0, 32), [16]byte(counting(0xa0, 16))
	if got := qrflow.FrameKeyHex(secret, ticket); got != "3c80ea9be71c4ac8e9732a3eab55c7ddc4c3d0c6a1c5842ced47d2f0c1bc1b9c" {
		t.Errorf("k_qr is %s", got)
	}
	for n, want := range []string{
		"https://s.example.gov.cn/q#1.oKGio6SlpqeoqaqrrK2urw.0.hTkP6AlkdG2r-boR",
		"https://s.example.gov.cn/q#1.oKGio6SlpqeoqaqrrK2urw.1.1n6zGpZ00lLqk4vq",
		"https://s.example.gov.cn/q#1.oKGio6SlpqeoqaqrrK2urw.2.kCK6jLBOB93CRwbO",
	} {
		mac := qrflow.FrameMAC(secret, ticket, handle, uint32(n))
		enc := base64.RawURLEncoding.EncodeToString
		if got := fmt.Sprintf("%s#1.%s.%d.%s", base, enc(handle[:]), n, enc(mac[:])); got != want {
			t.Errorf("frame %d is %s", n, got)
		}
		scan, err := qrflow.ParseQR(base, want)
		if err != nil || scan.N != int64(n) || scan.MAC != enc(mac[:]) || scan.Handle != enc(handle[:]) {
			t.Errorf("frame %d is read as %+v, %v", n, scan, err)
		}
	}
}

// AT-010, AT-014: there is one spelling of a code, and only our own host's.
func TestAT010ForeignCodes(t *testing.T) {
	t.Parallel()
	const good = "https://s.example.gov.cn/q#1.oKGio6SlpqeoqaqrrK2urw.7.hTkP6AlkdG2r-boR"
	if _, err := qrflow.ParseQR(base, good); err != nil {
		t.Fatal(err)
	}
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %q in the code", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, text := range map[string]string{
		"empty":              "",
		"other host":         swap("s.example.gov.cn", "s.example.gov.co"),
		"host as prefix":     swap("gov.cn", "gov.cn.evil.example"),
		"subdomain":          swap("s.example", "x.s.example"),
		"look-alike":         swap("s.example", "s.exаmple"), // a Cyrillic letter
		"punycode":           swap("s.example", "xn--s-example"),
		"user":               swap("https://", "https://user@"),
		"host as user":       swap("gov.cn/q", "gov.cn@evil.example/q"),
		"port":               swap("gov.cn/q", "gov.cn:443/q"),
		"http":               swap("https", "http"),
		"capitals":           swap("https", "HTTPS"),
		"other path":         swap("/q#", "/p#"),
		"dot segments":       swap("/q#", "/x/../q#"),
		"query":              swap("/q#", "/q?a=1#"),
		"trailing dot":       swap("gov.cn", "gov.cn."),
		"version 2":          swap("#1.", "#2."),
		"version 01":         swap("#1.", "#01."),
		"no version":         swap("#1.", "#"),
		"extra part":         good + ".1",
		"extra fragment":     good + "#1",
		"missing part":       strings.TrimSuffix(good, ".hTkP6AlkdG2r-boR"),
		"percent in handle":  swap("oKGi", "%6fKGi"),
		"percent dot":        swap(".7.", "%2e7."),
		"blank in front":     " " + good,
		"blank behind":       good + " ",
		"line feed":          good + "\n",
		"NUL":                good + "\x00",
		"handle short":       swap("oKGio6SlpqeoqaqrrK2urw", "oKGio6SlpqeoqaqrrK2u"),
		"handle long":        swap("oKGio6SlpqeoqaqrrK2urw", "oKGio6SlpqeoqaqrrK2urwAA"),
		"handle loose bits":  swap("rK2urw", "rK2urx"),
		"handle padded":      swap("rK2urw", "rK2urw=="),
		"standard alphabet":  swap("-boR", "+boR"),
		"mac short":          swap("-boR", ""),
		"mac long":           good + "AAAA",
		"number with zero":   swap(".7.", ".07."),
		"negative":           swap(".7.", ".-7."),
		"plus":               swap(".7.", ".+7."),
		"hexadecimal":        swap(".7.", ".0x7."),
		"underscore":         swap(".7.", ".1_0."),
		"wide digit":         swap(".7.", ".７."),
		"2^32":               swap(".7.", ".4294967296."),
		"2^32 wrapped":       swap(".7.", ".4294967303."),
		"2^64 wrapped":       swap(".7.", ".18446744073709551623."),
		"no number":          swap(".7.", ".."),
		"letters for number": swap(".7.", ".n."),
	} {
		if scan, err := qrflow.ParseQR(base, text); !errors.Is(err, qrflow.ErrQR) || scan != (qrflow.Scan{}) {
			t.Errorf("%s: read as %+v, %v", name, scan, err)
		}
	}
}

// Whatever is read is written again as the same text.
func FuzzParseQR(f *testing.F) {
	f.Add(base + "#1.oKGio6SlpqeoqaqrrK2urw.0.hTkP6AlkdG2r-boR")
	f.Add(base + "#1...")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := qrflow.ParseQR(base, text)
		if err != nil {
			return
		}
		if again := fmt.Sprintf("%s#1.%s.%d.%s", base, s.Handle, s.N, s.MAC); again != text {
			t.Fatalf("%q is read as %q", text, again)
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add("tk_abc.0.AAAA")
	f.Add("tk_abc.12.")
	f.Fuzz(func(t *testing.T, text string) {
		if again, err := qrflow.ParseToken(text); err == nil && again != text {
			t.Fatalf("%q is read as %q", text, again)
		}
	})
}

// AT-013: handles and numbers of many tickets are all over the place. The
// bounds are wide; what they catch is a constant, a counter or a cut.
func TestAT013Spread(t *testing.T) {
	t.Parallel()
	const tickets = 30_000
	secret := counting(7, 32)
	handles, ones, digits := map[[16]byte]bool{}, 0, map[string]int{}
	for i := range tickets {
		id := fmt.Sprintf("tk_%d", i)
		h := qrflow.HandleOf(secret, id)
		handles[h] = true
		for _, b := range h {
			ones += bits.OnesCount8(b)
		}
		digits[qrflow.Number(secret, id)]++
	}
	if len(handles) != tickets {
		t.Errorf("%d handles of %d tickets", len(handles), tickets)
	}
	if all := tickets * 128; ones < all*499/1000 || ones > all*501/1000 {
		t.Errorf("%d of %d bits are set", ones, all)
	}
	if len(digits) != 1000 {
		t.Errorf("%d different numbers", len(digits))
	}
	for number, n := range digits {
		if len(number) != 3 || n < 3 || n > 75 { // 30 each, standard deviation 5.5
			t.Errorf("number %q came %d times", number, n)
		}
	}
}
