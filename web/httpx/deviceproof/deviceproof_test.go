package deviceproof_test

import (
	"reflect"
	"strings"
	"testing"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx/deviceproof"
)

func TestOneForm(t *testing.T) {
	t.Parallel()
	want := deviceproof.Proof{Device: "dv_1", Nonce: "n-1", Signature: []byte{1, 2, 3}}
	for _, good := range []string{
		deviceproof.Format(want),
		`yunzhang-device sig="AQID",device="dv_1" , nonce="n-1"`,
	} {
		if got, err := deviceproof.Parse(good); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", good, got, err)
		}
	}
	for _, bad := range []string{
		"", "Bearer x", deviceproof.Scheme, `Yunzhang-Device device="dv_1", nonce="n"`,
		`Yunzhang-Device device="dv_1", nonce="n", sig="AQID", sig="AQID"`,
		`Yunzhang-Device device="dv_1", nonce="n", sig="AQID", x="y"`,
		`Yunzhang-Device device="dv_1", nonce="n", sig="AQID",`,
		`Yunzhang-Device device=dv_1, nonce="n", sig="AQID"`,
		`Yunzhang-Device device="dv_1, nonce="n", sig="AQID"`,
		`Yunzhang-Device device="", nonce="n", sig="AQID"`,
		`Yunzhang-Device device="d\"v", nonce="n", sig="AQID"`,
		`Yunzhang-Device device="dv_1", nonce="n", sig="AQIE="`,
		`Yunzhang-Device device="dv_1", nonce="n", sig="AQIDB"`,
		`Yunzhang-Device device="dv_1", nonce="n", sig="AR"`,
		`Yunzhang-Device device="` + strings.Repeat("d", 129) + `", nonce="n", sig="AQID"`,
		`Yunzhang-Device device="dv_1", nonce="n", sig="AQID"` + strings.Repeat(" ", 512),
	} {
		if got, err := deviceproof.Parse(bad); fault.CodeOf(err) != fault.Unauthorized.Code || !reflect.DeepEqual(got, deviceproof.Proof{}) {
			t.Errorf("%s: %+v, %v", bad, got, err)
		}
	}
}

// Whoever forgets a field here forgets to check it there.
func TestConvertsToTheDomain(t *testing.T) {
	t.Parallel()
	if got := authz.Proof(deviceproof.Proof{Device: "d", Nonce: "n", Signature: []byte{1}}); got.Device != "d" || got.Nonce != "n" || len(got.Signature) != 1 {
		t.Errorf("%+v", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(deviceproof.Format(deviceproof.Proof{Device: "dv_1", Nonce: "n", Signature: []byte{1}}))
	f.Add(`Yunzhang-Device sig="AQ",nonce="n",device="dv_1"`)
	f.Add(`Yunzhang-Device device="a", nonce="b", sig=","`)
	f.Fuzz(func(t *testing.T, header string) {
		p, err := deviceproof.Parse(header)
		if err != nil {
			if !reflect.DeepEqual(p, deviceproof.Proof{}) {
				t.Errorf("an error with a value: %+v", p)
			}
			return
		}
		again, err := deviceproof.Parse(deviceproof.Format(p))
		if err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%q reads as %+v, then as %+v (%v)", header, p, again, err)
		}
	})
}
