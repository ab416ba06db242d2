package client

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"yunzhang.dev/cloudseal/gm"
)

// Files of a phone's folder, all readable by their owner only.
const (
	identityFile = "phone.json"    // who it is; written last, so that it marks a whole set
	requestFile  = "request.p8"    // request key, PKCS #8
	sealedFile   = "statement.sm4" // statement key, wrapped
	secretFile   = "local.key"     // the folder's half of the wrapping key
)

const secretSize = 32

// identity is what is not secret of a device.
type identity struct {
	Person string    `json:"person_id"`
	Device string    `json:"device_id"`
	Key    gm.Digest `json:"key_sm3"` // of the statement key's SPKI, as statements name it
}

// store is the folder.
type store struct{ dir string }

func (s store) path(name string) string { return filepath.Join(s.dir, name) }

// read refuses files that others can read: whose copy is out is no secret.
func (s store) read(name string) ([]byte, error) {
	info, err := os.Stat(s.path(name))
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %#o): chmod 600 it", s.path(name), info.Mode().Perm())
	}
	return os.ReadFile(s.path(name))
}

// write makes a new file durable. It never replaces one: a lost key cannot be
// had again.
func (s store) write(name string, b []byte) error {
	f, err := os.OpenFile(s.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// load gives the device in the folder, or ErrNotEnrolled.
func (s store) load() (identity, *gm.PrivateKey, error) {
	b, err := s.read(identityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return identity{}, nil, ErrNotEnrolled
	}
	if err != nil {
		return identity{}, nil, fmt.Errorf("phone: %w", err)
	}
	var id identity
	if err := json.Unmarshal(b, &id); err != nil {
		return identity{}, nil, fmt.Errorf("phone: %s: %w", s.path(identityFile), err)
	}
	der, err := s.read(requestFile)
	if err != nil {
		return identity{}, nil, fmt.Errorf("phone: %w", err)
	}
	key, err := gm.ParsePrivateKey(der)
	if err != nil {
		return identity{}, nil, fmt.Errorf("phone: %s: %w", s.path(requestFile), err)
	}
	return id, key, nil
}

// prepare makes sure that keys can be kept here: no device is enrolled, and what
// a registration that broke off left is gone.
func (s store) prepare() error {
	if _, err := os.Stat(s.path(identityFile)); err == nil {
		return ErrEnrolled
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	for _, name := range []string{requestFile, sealedFile, secretFile} {
		if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("phone: %w", err)
		}
	}
	return nil
}

// save keeps a new device. What an earlier try left behind is replaced as long
// as it did not come to an end.
func (s store) save(id identity, request, key *gm.PrivateKey, share []byte) error {
	if err := s.prepare(); err != nil {
		return err
	}
	secret := gm.Random(secretSize)
	sealed, err := gm.Seal(wrapping(share, secret, id.Device), key.PKCS8(), aad(id.Device))
	if err != nil {
		return fmt.Errorf("phone: wrap key: %w", err)
	}
	about, err := json.Marshal(id, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	for _, f := range []struct {
		name string
		b    []byte
	}{{requestFile, request.PKCS8()}, {secretFile, secret}, {sealedFile, sealed}, {identityFile, about}} {
		if err := s.write(f.name, f.b); err != nil {
			return fmt.Errorf("phone: keep keys: %w", err)
		}
	}
	return s.settle()
}

// settle makes the names of the new files durable.
func (s store) settle() error {
	d, err := os.Open(s.dir)
	if err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// unwrap gives the statement key for the server's share.
func (s store) unwrap(share []byte, device string) (*gm.PrivateKey, error) {
	secret, err := s.read(secretFile)
	if err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	sealed, err := s.read(sealedFile)
	if err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	der, err := gm.Open(wrapping(share, secret, device), sealed, aad(device))
	if err != nil {
		return nil, errors.New("phone: the statement key does not open with the server's share")
	}
	defer clear(der)
	return gm.ParsePrivateKey(der)
}

// wrapping is the key of the statement key: nobody has it who lacks either the
// server's share or the folder's secret.
func wrapping(share, secret []byte, device string) []byte {
	return gm.Derive(share, "yunzhang-phone-wrap/1", secret, []byte(device))[:gm.SealKeySize]
}

func aad(device string) []byte { return []byte("yunzhang-phone-key/1\x00" + device) }
