package client

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"yunzhang.dev/cloudseal/gm"
)

// enrolled keeps a device in a new folder.
func enrolled(t *testing.T) (s store, request, key *gm.PrivateKey, share []byte) {
	t.Helper()
	s = store{dir: filepath.Join(t.TempDir(), "phone")}
	request, key, share = newKeyPair(t), newKeyPair(t), gm.Random(32)
	if err := s.save(identity{Person: "us_1", Device: "dv_1", Key: key.Public().Hash()}, request, key, share); err != nil {
		t.Fatal(err)
	}
	return s, request, key, share
}

func TestFolder(t *testing.T) {
	t.Parallel()
	s, request, key, share := enrolled(t)
	id, proof, err := s.load()
	if err != nil || id.Device != "dv_1" || !proof.Equal(request) {
		t.Fatalf("%+v, %v", id, err)
	}
	opened, err := s.unwrap(share, "dv_1")
	if err != nil || !opened.Equal(key) {
		t.Fatalf("unwrap: %v", err)
	}
	if err := s.prepare(); !errors.Is(err, ErrEnrolled) {
		t.Errorf("the folder is used again: %v", err)
	}
	if err := s.save(id, request, key, share); !errors.Is(err, ErrEnrolled) {
		t.Errorf("keys were overwritten: %v", err)
	}
	files, err := os.ReadDir(s.dir)
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
		b, err := s.read(f.Name())
		if err != nil || bytes.Contains(b, key.Scalar()) {
			t.Errorf("%s shows the statement key: %v", f.Name(), err)
		}
	}
}

func TestStatementKeyNeedsBothHalves(t *testing.T) {
	t.Parallel()
	s, _, _, share := enrolled(t)
	other := bytes.Clone(share)
	other[0] ^= 1
	for name, try := range map[string]func() error{
		"another share":  func() error { _, err := s.unwrap(other, "dv_1"); return err },
		"another device": func() error { _, err := s.unwrap(share, "dv_2"); return err },
		"another secret": func() error {
			if err := os.WriteFile(s.path(secretFile), gm.Random(secretSize), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := s.unwrap(share, "dv_1")
			return err
		},
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), "does not open") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFolderThatOthersCanRead(t *testing.T) {
	t.Parallel()
	for _, name := range []string{identityFile, requestFile, secretFile, sealedFile} {
		s, _, _, share := enrolled(t)
		if err := os.Chmod(s.path(name), 0o644); err != nil {
			t.Fatal(err)
		}
		_, _, err := s.load()
		if err == nil {
			_, err = s.unwrap(share, "dv_1")
		}
		if err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBrokenFolder(t *testing.T) {
	t.Parallel()
	s, _, _, _ := enrolled(t)
	if err := os.WriteFile(s.path(requestFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Server: "https://a.example", Issuer: "i", Dir: s.dir}); err == nil || !strings.Contains(err.Error(), requestFile) {
		t.Errorf("%v", err)
	}
	// A registration that broke off left keys without an identity.
	if err := os.Remove(s.path(identityFile)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.load(); !errors.Is(err, ErrNotEnrolled) {
		t.Errorf("%v", err)
	}
	key, share := newKeyPair(t), gm.Random(32)
	if err := s.save(identity{Device: "dv_2", Key: key.Public().Hash()}, newKeyPair(t), key, share); err != nil {
		t.Fatal(err)
	}
	if opened, err := s.unwrap(share, "dv_2"); err != nil || !opened.Equal(key) {
		t.Errorf("after a second try: %v", err)
	}
}

func newKeyPair(t *testing.T) *gm.PrivateKey {
	t.Helper()
	key, err := gm.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}
