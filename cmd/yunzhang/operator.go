package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi"
	"yunzhang.dev/mobileapi/client"
	"yunzhang.dev/web/console"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/httpx/deviceproof"
)

// operator is the device of an operator on the server's unix socket: its keys in
// a folder, the proof on every request, and the eyes that read an order's
// statement before it is signed. It is enrolled like a phone.
type operator struct {
	*env
	dir     string
	pinFile string
	http    *http.Client
	id      operatorIdentity // zero until enrolled
	request *gm.PrivateKey
	nonce   string // the server's last one, not used yet
}

// operatorIdentity is what is not secret of the device.
type operatorIdentity struct {
	Person string    `json:"person_id"`
	Device string    `json:"device_id"`
	Issuer string    `json:"issuer"`
	Key    gm.Digest `json:"key_sm3"` // of the statement key
}

// Files of the folder, all for their owner only.
const (
	operatorFile = "operator.json" // written last: it marks a whole set
	requestFile  = "request.p8"
	sealedFile   = "statement.sm4" // statement key, under the share that the PIN releases
)

const (
	operatorTime   = 30 * time.Second // for one request
	maxAnswer      = 16 << 20         // of an answer: two pictures
	keyHeader      = "Idempotency-Key"
	operatorOrigin = "http://localhost" // the socket has no name
)

var errNoOperator = errors.New("no operator is enrolled in this folder")

// openOperator opens the folder; it need not hold a device yet.
func openOperator(e *env, dir, socket, pinFile string) (*operator, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	o := &operator{env: e, dir: dir, pinFile: pinFile, http: &http.Client{
		Timeout: operatorTime, Transport: &http.Transport{DialContext: dial},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	b, err := os.ReadFile(o.path(operatorFile))
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &o.id)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.path(operatorFile), err)
	}
	der, err := o.private(requestFile)
	if err != nil {
		return nil, err
	}
	o.request, err = gm.ParsePrivateKey(der)
	return o, err
}

func (o *operator) path(name string) string { return filepath.Join(o.dir, name) }

// private reads a file that nobody else may read: whose copy is out is no secret.
func (o *operator) private(name string) ([]byte, error) {
	info, err := os.Stat(o.path(name))
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %#o): chmod 600 it", o.path(name), info.Mode().Perm())
	}
	return os.ReadFile(o.path(name))
}

// get and post are requests proved by the device. in and out may be nil.
func (o *operator) get(path string, out any) error {
	return o.call(http.MethodGet, path, nil, out, true)
}

func (o *operator) post(path string, in, out any) error {
	return o.call(http.MethodPost, path, in, out, true)
}

// call sends a request. A nonce that the server finds too old is replaced once
// by the one in its answer.
func (o *operator) call(method, path string, in, out any, proved bool) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in, json.Deterministic(true)); err != nil {
			return err
		}
	}
	key := base64.RawURLEncoding.EncodeToString(gm.Random(24))
	answer, err := o.attempt(method, path, body, key, proved)
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Code == "nonce-required" {
		answer, err = o.attempt(method, path, body, key, proved)
	}
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

func (o *operator) attempt(method, path string, body []byte, key string, proved bool) ([]byte, error) {
	r, err := http.NewRequestWithContext(o.ctx, method, operatorOrigin+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Language", o.lang)
	r.Header.Set(keyHeader, key)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if proved {
		if err := o.prove(r, body, key); err != nil {
			return nil, err
		}
	}
	res, err := o.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	o.nonce = res.Header.Get(deviceproof.NonceHeader)
	if res.StatusCode >= 300 {
		return nil, refusal(res, answer)
	}
	return answer, nil
}

func refusal(res *http.Response, answer []byte) error {
	p := &client.Problem{}
	if res.Header.Get("Content-Type") != httpx.ProblemType || json.Unmarshal(answer, p) != nil {
		return fmt.Errorf("the server answered with status %d", res.StatusCode)
	}
	return p
}

// prove signs the request over a nonce that is used for nothing else.
func (o *operator) prove(r *http.Request, body []byte, key string) error {
	if o.request == nil {
		return errNoOperator
	}
	if o.nonce == "" {
		var n mobileapi.Nonce
		if err := o.call(http.MethodPost, "/v1/device/nonce", nil, &n, false); err != nil {
			return err
		}
		o.nonce = n.Nonce
	}
	nonce := o.nonce
	o.nonce = ""
	sig, err := o.request.Sign(authz.ProofLines(authz.Request{
		Method: r.Method, Path: r.URL.RequestURI(), Body: gm.SM3(body), Idempotency: key,
	}, o.id.Device, nonce))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", deviceproof.Format(deviceproof.Proof{Device: o.id.Device, Nonce: nonce, Signature: sig}))
	return nil
}

// unlock opens the statement key: the server releases its share against the PIN.
func (o *operator) unlock() (*gm.PrivateKey, error) {
	pin, err := o.pin(o.pinFile)
	if err != nil {
		return nil, err
	}
	var s mobileapi.Share
	if err := o.post("/v1/device/unlock", mobileapi.PIN{PIN: pin}, &s); err != nil {
		return nil, err
	}
	defer clear(s.Share)
	sealed, err := o.private(sealedFile)
	if err != nil {
		return nil, err
	}
	der, err := gm.Open(o.wrapping(s.Share), sealed, []byte(o.id.Device))
	if err != nil {
		return nil, errors.New("the key in this folder does not open with the server's share")
	}
	defer clear(der)
	return gm.ParsePrivateKey(der)
}

func (o *operator) wrapping(share []byte) []byte {
	return gm.Derive(share, "yunzhang-operator-key/1", []byte(o.id.Device))[:gm.SealKeySize]
}

// order has an order drafted, reads and shows its statement, and signs it.
func (o *operator) order(order console.Order) (*console.Outcome, error) {
	var d console.Draft
	if err := o.post("/v1/console/drafts", order, &d); err != nil {
		return nil, err
	}
	lines, err := o.read(d.Statement, order)
	if err != nil {
		return nil, err
	}
	tell(o.err, lines)
	key, err := o.unlock()
	if err != nil {
		return nil, err
	}
	defer key.Destroy()
	sig, err := key.Sign(d.Statement)
	if err != nil {
		return nil, err
	}
	out := &console.Outcome{}
	return out, o.post("/v1/console/acts/"+d.ActID+"/sign", console.Signature{Order: order, SigSM2: sig}, out)
}

var errOtherStatement = errors.New("the server wants something else signed than was ordered; nothing was signed")

// read holds the statement against the order and this device.
func (o *operator) read(b []byte, order console.Order) ([]statement.Line, error) {
	r, err := statement.ParseReview(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errOtherStatement, err)
	}
	subject, err := order.Subject()
	if err != nil {
		return nil, err
	}
	opinion := order.Opinion
	if opinion == "" {
		opinion = statement.Approve
	}
	if r.Act != order.Act || r.Subject != subject || r.Opinion != opinion || r.Note != order.Note() ||
		r.Issuer != o.id.Issuer || r.Person.ID != o.id.Person || r.Device != o.id.Key {
		return nil, errOtherStatement
	}
	return r.Summary(o.lang), nil
}
