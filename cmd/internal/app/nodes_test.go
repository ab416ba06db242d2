package app_test

import (
	"testing"

	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

// nodes are the nodes that a test of several spreads its calls over. On the
// embedded store there is one, and it is all three.
func (p *party) nodes() []drive.Node { return []drive.Node{p.Node, p.Node, p.Node} }

// phoneAt is a phone that talks to another node; name is its folder.
func (p *party) phoneAt(t testing.TB, n drive.Node, name string) *client.Phone {
	t.Helper()
	phone, err := n.Phone(name)
	check(t, err)
	return phone
}

// systemAt is a declaration system that talks to another node.
func (p *party) systemAt(n drive.Node, s *drive.System) *drive.System {
	other := n.NewSystem(s.App, s.KeyID, s.Key)
	other.Now = s.Now
	return other
}
