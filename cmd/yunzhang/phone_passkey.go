package main

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"yunzhang.dev/authz/passkey/softkey"
	"yunzhang.dev/mobileapi/client"
)

// passkeyFile holds the phone's second key.
const passkeyFile = "passkey.json"

// filedPasskey is a software passkey that lives in a file. Its counter is
// written down before an assertion leaves: one that goes back is refused.
type filedPasskey struct {
	path string
	key  *softkey.Authenticator
}

// passkey opens the passkey in the phone's folder, nil when there is none.
func (f phoneFlags) passkey() (client.Passkey, error) {
	path := filepath.Join(f.Dir, passkeyFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := softkey.Parse(b)
	return &filedPasskey{path, key}, err
}

// makePasskey puts a new passkey into the folder of a phone that is about to be
// enrolled.
func (f phoneFlags) makePasskey() error {
	u, err := url.Parse(f.Server)
	if err != nil {
		return err
	}
	key, err := softkey.New(u.Hostname(), u.Scheme+"://"+u.Host)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	return (&filedPasskey{filepath.Join(f.Dir, passkeyFile), key}).save()
}

// Register implements client.Passkey.
func (p *filedPasskey) Register(challenge []byte) ([]byte, error) { return p.key.Register(challenge) }

// Assert implements client.Passkey.
func (p *filedPasskey) Assert(challenge []byte) ([]byte, error) {
	b, err := p.key.Assert(challenge)
	if err != nil {
		return nil, err
	}
	return b, p.save()
}

func (p *filedPasskey) save() error {
	b, err := p.key.Bytes()
	if err != nil {
		return err
	}
	return os.WriteFile(p.path, b, 0o600)
}
