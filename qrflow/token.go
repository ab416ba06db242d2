package qrflow

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"yunzhang.dev/cloudseal/gm"
)

// Secret is a secret of the whole cluster that lives outside of the data. Handles,
// frames, page and resume tokens, numbers and result codes are derived from
// it: they can be shown again after a reconnect and are not in the database.
type Secret struct {
	ID  string // kept in every ticket that uses it
	Key []byte // at least 32 bytes
}

// minSecret is the least length of a Secret's key.
const minSecret = 32

// String keeps the key out of logs.
func (s Secret) String() string { return "secret " + s.ID + " [redacted]" }

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Labels of what is derived. The label of frames is in frame.go.
const (
	labelHandle = "cseal-handle/1"
	labelPage   = "cseal-page/1"
	labelResume = "cseal-resume/1"
	labelNumber = "cseal-number/1"
	labelResult = "cseal-result/1"
	labelOpener = "cseal-opener/1"
)

// derive gives 32 bytes that only the cluster knows.
func derive(secret []byte, label, ticket string, version int) []byte {
	return gm.Derive(secret, label, []byte(ticket), binary.BigEndian.AppendUint64(nil, uint64(version)))
}

// secret gives the key that a ticket was made with.
func (s *Service) secret(t *Ticket) ([]byte, error) {
	for _, known := range s.d.Secrets {
		if known.ID == t.Kid {
			return known.Key, nil
		}
	}
	return nil, fmt.Errorf("ticket %s: cluster secret %q is not configured", t.ID, t.Kid)
}

// token is what a page presents: ticket, version, proof, with dots between.
// Version 0 is the page token.
type token struct {
	ticket  string
	version int
	proof   []byte
}

func pageToken(secret []byte, ticket string) string {
	return token{ticket, 0, derive(secret, labelPage, ticket, 0)}.String()
}

func resumeToken(secret []byte, ticket string, version int) string {
	return token{ticket, version, derive(secret, labelResume, ticket, version)}.String()
}

func (t token) String() string {
	return fmt.Sprintf("%s.%d.%s", t.ticket, t.version, base64.RawURLEncoding.EncodeToString(t.proof))
}

// maxToken bounds what is looked at.
const maxToken = 160

var errToken = errors.New("not a token")

func parseToken(s string) (token, error) {
	parts := strings.Split(s, ".")
	if len(s) > maxToken || len(parts) != 3 {
		return token{}, errToken
	}
	version, err := strconv.Atoi(parts[1])
	if err != nil || version < 0 {
		return token{}, errToken
	}
	proof, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	t := token{parts[0], version, proof}
	if err != nil || t.String() != s {
		return token{}, errToken
	}
	return t, nil
}

// genuine reports in constant time whether the proof is ours.
func (t token) genuine(secret []byte) bool {
	label := labelResume
	if t.version == 0 {
		label = labelPage
	}
	return subtle.ConstantTimeCompare(t.proof, derive(secret, label, t.ticket, t.version)) == 1
}

// number is the three digits of the claim, uniform to 2^-50.
func number(secret []byte, claim string) string {
	n := binary.BigEndian.Uint64(derive(secret, labelNumber, claim, 0)) % 1000
	return fmt.Sprintf("%03d", n)
}

// resultCode is what the page hands to its application; without the
// application's key and verifier it opens nothing.
func resultCode(secret []byte, ticket string) string {
	return "rc_" + base64.RawURLEncoding.EncodeToString(derive(secret, labelResult, ticket, 0))
}

// VerifierHash is what an application sends when it opens a ticket for a
// verifier that it keeps in the browser's session (protocol.md §2.3).
func VerifierHash(verifier []byte) gm.Digest {
	return gm.SM3([]byte("cseal-verifier/1\x00"), verifier)
}
