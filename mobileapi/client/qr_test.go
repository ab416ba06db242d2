package client_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"yunzhang.dev/mobileapi/client"
)

const (
	base   = "https://s.example.gov.cn/q"
	handle = "oKGio6SlpqeoqaqrrK2urw"
	mac    = "1n6zGpZ00lLqk4vq"
)

func TestAT010ForeignCodes(t *testing.T) {
	t.Parallel()
	// The vector of protocol.md, Annex A.
	f, err := client.ParseQR(base, base+"#1."+handle+".1."+mac)
	if err != nil || f != (client.Frame{Handle: handle, N: 1, MAC: mac}) {
		t.Errorf("%+v, %v", f, err)
	}
	tail := "#1." + handle + ".1." + mac
	for name, text := range map[string]string{
		"other host":    "https://s.example.gov.cn.evil.com/q" + tail,
		"look-alike":    "https://s.exаmple.gov.cn/q" + tail,
		"user":          "https://s.example.gov.cn@evil.com/q" + tail,
		"http":          "http://s.example.gov.cn/q" + tail,
		"port":          "https://s.example.gov.cn:8443/q" + tail,
		"upper case":    "HTTPS://S.EXAMPLE.GOV.CN/q" + tail,
		"path":          "https://s.example.gov.cn/q/" + tail,
		"escaped":       "https://s.example.gov.cn/%71" + tail,
		"query":         "https://s.example.gov.cn/q?x" + tail,
		"version 2":     base + "#2." + handle + ".1." + mac,
		"version 01":    base + "#01." + handle + ".1." + mac,
		"more parts":    base + tail + ".x",
		"fewer parts":   base + "#1." + handle + ".1",
		"leading zero":  base + "#1." + handle + ".01." + mac,
		"negative":      base + "#1." + handle + ".-1." + mac,
		"plus":          base + "#1." + handle + ".+1." + mac,
		"2^32":          base + "#1." + handle + ".4294967296." + mac,
		"short handle":  base + "#1." + handle[1:] + ".1." + mac,
		"loose handle":  base + "#1." + handle[:21] + "x.1." + mac,
		"padded handle": base + "#1." + handle + "==.1." + mac,
		"short mac":     base + "#1." + handle + ".1." + mac[:12],
		"standard b64":  base + "#1." + handle + ".1." + strings.Replace(mac, "1", "+", 1),
		"blank":         " " + base + tail,
		"line":          base + tail + "\n",
		"empty":         "",
	} {
		if f, err := client.ParseQR(base, text); !errors.Is(err, client.ErrQR) || f != (client.Frame{}) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	if _, err := client.ParseQR("", tail); !errors.Is(err, client.ErrQR) {
		t.Errorf("no base: %v", err)
	}
}

func FuzzParseQR(f *testing.F) {
	f.Add(base + "#1." + handle + ".0." + mac)
	f.Add(base + "#1." + handle + ".4294967295." + mac)
	f.Add("#1...")
	f.Fuzz(func(t *testing.T, text string) {
		frame, err := client.ParseQR(base, text)
		if err != nil {
			if frame != (client.Frame{}) {
				t.Errorf("an error with a value: %+v", frame)
			}
			return
		}
		if written := fmt.Sprintf("%s#1.%s.%d.%s", base, frame.Handle, frame.N, frame.MAC); written != text {
			t.Errorf("%q reads as %q", text, written)
		}
	})
}
