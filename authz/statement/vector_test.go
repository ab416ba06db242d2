package statement_test

import (
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// annexA is the statement of protocol.md Annex A, byte for byte.
const annexA = `cseal-approval/1
purpose: stamp
decision: approve
issuer: seal.example.gov.cn
ticket: tk_01JD8Y3V7Q4N6M2K9H5B0C1E2F
nonce: Lkf9MYpoxHF-3SPtJ-G1eeVH6el-GBACHsEDZr7VAB4
app: app_3f9c2d71 不动产登记申报系统
origin: https://declare.example.gov.cn
principal: 91330100MA00000000 示例科技有限公司
agent: us_8a1f77c0 张三
device: fc03ac6891aacf624d04a5288cfb6a6731552b4bce6ec7ef80d9866f31eb05f6
delegation: dg_77ab01c2 d1ad72f049c5922ad89201fc8a0e1fc15123d1b744e240590e6a258d939f9d5a
seal: es_01020304 ad34968b9598ddfde0584b63ee93ef588e08c8cc3672d4587d2011bcaad538ee
docs: 2
doc.1: sm3=8053bac1a3db0abeb78074bc14f8f5aefad0331c4342a40413519dedbbea289c dtbs=0dfeb4ac5586f0926516d7de32461df7bfaf02e5cf07d38582f3e83702bdea49 pages=3 place=p3:120.0,640.0,42.0x42.0 title=不动产登记申请书.pdf
doc.2: sm3=788560edcf886b81cb1ef99aa52c76d570b739a14875bfcb346cbd5f707718fd dtbs=60d52f068d0ca5b348dda703359fc1f611ff993cd8118c8bd82eafb1e6c1b964 pages=1 place=p1:380.0,700.0,42.0x42.0 title=委托书.ofd
docs-root: 8dddabe8c812cea3bda0637471347074c56734157ff2bab2feb93bfcfba53eb5
limits: uses-after=17 expires=2026-12-31T15:59:59Z
context: 浙江杭州 203.0.113.0/24 Chrome/Windows
display: 41be99ab88e463bec1c2976c14a861b40ff0425e22fd18a139cafb05221e6d0b
issued-at: 2026-11-22T02:10:05Z
expires-at: 2026-11-22T02:15:05Z
match: 417
`

const (
	annexAHash      = "b24042b9428589c9ab06652a05b8fc878aa8d50a8a8e60c06d1b1c72f1a28a42"
	annexAChallenge = "b4b5d480653f635e6bda1f0030aa95a1443fe2ecf498d53e662679acffc519fa"
	annexAKey       = "044768a895418b9a1fa5940703a6fdf17516051f70d578adcf92da01227fa6d11c4d7b22477c5f05bec2233c76b0a05fce65acd2a6c64617bd93dea20eec3eab82"
	annexASignature = "304502202a4323400b9a17e2c9c03429c5a6251b666b4dff8d979682a5b7bc4b66e586520221009c70363621ed290fb297d613b686ca5dd676d97c78e2d1b66d17da386218d688"
)

// annexAValues is the same statement as a value; what is hashed there is hashed
// here from the strings that the annex names.
func annexAValues(t *testing.T) statement.Approval {
	t.Helper()
	return statement.Approval{
		Purpose: statement.Stamp, Decision: statement.Approve, Issuer: "seal.example.gov.cn",
		Ticket:     "tk_01JD8Y3V7Q4N6M2K9H5B0C1E2F",
		Nonce:      "Lkf9MYpoxHF-3SPtJ-G1eeVH6el-GBACHsEDZr7VAB4",
		App:        statement.App{ID: "app_3f9c2d71", Name: "不动产登记申报系统"},
		Origin:     "https://declare.example.gov.cn",
		Principal:  statement.Org{USCC: "91330100MA00000000", Name: "示例科技有限公司"},
		Agent:      statement.Person{ID: "us_8a1f77c0", Name: "张三"},
		Device:     hash(t, "fc03ac6891aacf624d04a5288cfb6a6731552b4bce6ec7ef80d9866f31eb05f6"),
		Delegation: statement.Ref{ID: "dg_77ab01c2", Hash: hash(t, "d1ad72f049c5922ad89201fc8a0e1fc15123d1b744e240590e6a258d939f9d5a")},
		Seals:      []statement.Ref{{ID: "es_01020304", Hash: hash(t, "ad34968b9598ddfde0584b63ee93ef588e08c8cc3672d4587d2011bcaad538ee")}},
		Docs: []statement.Doc{
			{SM3: gm.SM3([]byte("doc-1-bytes")), DTBS: gm.SM3([]byte("doc-1-dtbs")), Pages: 3,
				Place: statement.Place{Page: 3, X: 120, Y: 640, W: 42, H: 42}, Title: "不动产登记申请书.pdf"},
			{SM3: gm.SM3([]byte("doc-2-bytes")), DTBS: gm.SM3([]byte("doc-2-dtbs")), Pages: 1,
				Place: statement.Place{Page: 1, X: 380, Y: 700, W: 42, H: 42}, Title: "委托书.ofd"},
		},
		Limits:    &statement.Limits{UsesAfter: 17, Expires: time.Date(2026, 12, 31, 15, 59, 59, 0, time.UTC)},
		Context:   "浙江杭州 203.0.113.0/24 Chrome/Windows",
		Display:   hash(t, "41be99ab88e463bec1c2976c14a861b40ff0425e22fd18a139cafb05221e6d0b"),
		IssuedAt:  time.Date(2026, 11, 22, 2, 10, 5, 999e6, time.UTC), // the fraction is cut off
		ExpiresAt: time.Date(2026, 11, 22, 10, 15, 5, 0, time.FixedZone("", 8*3600)),
	}
}

func hash(t *testing.T, hex string) gm.Digest {
	t.Helper()
	d, err := gm.ParseDigest(hex)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAnnexABuilds(t *testing.T) {
	t.Parallel()
	head, err := annexAValues(t).Head()
	if err != nil {
		t.Fatal(err)
	}
	got := statement.Complete(head, "417")
	if string(got) != annexA {
		t.Errorf("got\n%s\nwant\n%s", got, annexA)
	}
	if len(got) != 1340 {
		t.Errorf("%d bytes, want 1340", len(got))
	}
	if h := gm.SM3(got).Hex(); h != annexAHash {
		t.Errorf("SM3 %s, want %s", h, annexAHash)
	}
	if h := gm.SM3([]byte("cseal-webauthn/1\x00"), got).Hex(); h != annexAChallenge {
		t.Errorf("challenge %s, want %s", h, annexAChallenge)
	}
}

func TestAnnexAParses(t *testing.T) {
	t.Parallel()
	a, match, err := statement.ParseApproval([]byte(annexA))
	if err != nil {
		t.Fatal(err)
	}
	if match != "417" || a.Agent.Name != "张三" || a.Docs[1].Title != "委托书.ofd" || a.Limits.UsesAfter != 17 {
		t.Errorf("read %q and %+v", match, a)
	}
	if a.DocsRoot != statement.DocsRoot(a.Docs) {
		t.Error("the root read is not the root of the documents")
	}
	head, _ := strings.CutSuffix(annexA, "417\n")
	if _, err := statement.ParseHead([]byte(head)); err != nil {
		t.Errorf("head: %v", err)
	}
}

func TestAnnexASignature(t *testing.T) {
	t.Parallel()
	key, err := gm.ParsePoint(unhex(t, annexAKey))
	if err != nil {
		t.Fatal(err)
	}
	signed := statement.Signed{Bytes: []byte(annexA), Sig: unhex(t, annexASignature)}
	if signed.Hash().Hex() != annexAHash {
		t.Error("hash of the signed statement")
	}
	if !key.Verify(signed.Bytes, signed.Sig) {
		t.Error("the signature of the annex does not verify")
	}
	if key.Verify([]byte(strings.Replace(annexA, "match: 417", "match: 418", 1)), signed.Sig) {
		t.Error("verifies with another number")
	}
}
