package cloudseal

import (
	"errors"
	"fmt"
	"math"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/verify"
)

var errLook = errors.New("the finished document does not verify")

// secondLook verifies a finished document with the code that strangers use: its
// last stamp must be genuine, be ours, stand where the approval shows it, and
// name this approval. It gives the SM3 of the file, which the same pass yields.
// The statements behind the approval are left to the signer, who verified them
// before he signed, and to those who verify later.
func (s *Service) secondLook(b []byte, w *work, it *item) (gm.Digest, error) {
	r := verify.Document(b, verify.Trust{Chains: s.chains, Now: s.Now()})
	if len(r.Stamps) == 0 {
		return gm.Digest{}, fmt.Errorf("%w: %s", errLook, r.Verdict)
	}
	last := r.Stamps[len(r.Stamps)-1]
	if last.Verdict != verify.Genuine {
		return gm.Digest{}, fmt.Errorf("%w: %s: %s", errLook, last.Verdict, firstNo(last))
	}
	at := it.prep.Line.Place
	switch {
	case last.Field != it.prepared.Field || last.Seal.Hash != it.prep.Seal.Hash:
		return gm.Digest{}, fmt.Errorf("%w: another stamp is the last", errLook)
	case last.Page != at.Page || math.Abs(last.Place.X-at.X) > placeSlack || math.Abs(last.Place.Y-at.Y) > placeSlack:
		return gm.Digest{}, fmt.Errorf("%w: the stamp stands elsewhere", errLook)
	case last.Evidence == nil || last.Evidence.Approval != w.evidence.Approval.Hash():
		return gm.Digest{}, fmt.Errorf("%w: the stamp names another approval", errLook)
	}
	return r.SM3, nil
}

// placeSlack is what a tenth of a millimetre in the statement can hide.
const placeSlack = 0.06

func firstNo(s verify.Stamp) string {
	for _, c := range s.Checks {
		if c.Answer == verify.No {
			return string(c.Name) + " " + c.Code
		}
	}
	return "not all checked"
}
