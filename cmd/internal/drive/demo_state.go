package drive

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"yunzhang.dev/cloudseal/gm"
)

// state is what the demonstration remembers of its declaration system.
type state struct {
	App        string `json:"app"`
	Origin     string `json:"origin"` // of its pages, as registered
	KeyID      string `json:"key_id"`
	Key        []byte `json:"key"` // PKCS #8
	Seal       string `json:"seal"`
	Delegation string `json:"delegation"`

	path string
}

func loadState(dir string) (*state, error) {
	s := &state{path: filepath.Join(dir, "declaration-system.json")}
	b, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	return s, json.Unmarshal(b, s)
}

func (s *state) save() error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.path, append(b, '\n'), 0o600)
}

func (s *state) system(n Node) (*System, error) {
	key, err := gm.ParsePrivateKey(s.Key)
	if err != nil {
		return nil, err
	}
	return n.NewSystem(s.App, s.KeyID, key), nil
}
