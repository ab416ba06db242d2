package drive

import (
	"path/filepath"

	"yunzhang.dev/mobileapi/client"
)

// Listens is where the started demonstration listens.
func (d *Demo) Listens() string { return d.node.Net.Addr }

// Desk opens, in whatever process, what a demonstration that ran once in dir and
// still listens at addr gives to put load on it: its declaration system and the
// agent's phone.
func Desk(dir, addr string) (*System, *client.Phone, error) {
	d := Demo{Dir: dir}
	cfg, err := d.config(addr)
	if err != nil {
		return nil, nil, err
	}
	state, err := loadState(dir)
	if err != nil {
		return nil, nil, err
	}
	node := Node{Net: Net{Addr: addr}, Config: cfg, Dir: filepath.Join(dir, "phones")}
	system, err := state.system(node)
	if err != nil {
		return nil, nil, err
	}
	phone, err := node.Phone("agent")
	return system, phone, err
}
