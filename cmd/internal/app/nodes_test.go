package app_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store/storetest"
	"yunzhang.dev/mobileapi/client"
)

// spread starts two more nodes on MongoDB, and lets everybody go to any of the
// three from now on, by a new connection each time.
func (p *party) spread(t testing.TB) {
	t.Helper()
	p.addresses = []string{p.Net.Addr, p.Net.Addr, p.Net.Addr}
	if !storetest.OnMongo() {
		return
	}
	for i := range p.addresses[1:] {
		c := p.Config
		c.Node, c.Listen, c.DataDir = fmt.Sprint("further", i+1), freeAddress(t), t.TempDir()
		p.addresses[i+1] = c.Listen
		runNode(t, c, p.app.Beside())
	}
	p.Net.Pick = func() string { return p.addresses[rand.IntN(len(p.addresses))] }
	var err error
	p.legal, err = p.Phone("legal")
	check(t, err)
	p.agent, err = p.Phone("agent")
	check(t, err)
	p.system = p.systemAt(p.Node, p.system)
}

// nodes are three nodes by their own addresses. On the embedded store there is
// one, and it is all three.
func (p *party) nodes() (nodes []drive.Node) {
	for _, address := range p.addresses {
		n := p.Node
		n.Net = drive.Net{Addr: address}
		nodes = append(nodes, n)
	}
	return nodes
}

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

// AT-067: the application, the page, the phone and the redeem on any of three
// nodes, and a page that comes back on another: number and state are the same
// everywhere.
func TestAT067AcrossNodes(t *testing.T) {
	t.Parallel()
	p := newParty(t, 10, app.Options{})
	nodes := p.nodes()
	for i := range nodes {
		opener, phone := p.systemAt(nodes[i], p.system), p.phoneAt(t, nodes[(i+1)%len(nodes)], "agent")
		third := nodes[(i+2)%len(nodes)]
		r, _ := p.ask(t, opener, fmt.Sprintf("n%d", i))
		scan, err := drive.Claim(t.Context(), phone, r)
		check(t, err)
		number, err := r.Page.Number(t.Context())
		check(t, err)
		hello, err := r.Page.Wait(t.Context(), func(m drive.Message) bool { return m.Resume != "" })
		check(t, err)
		back, err := drive.OpenPage(t.Context(), third.Net, r.Opened.SocketURL, opener.Origin, hello.Resume, true)
		check(t, err)
		defer back.Close()
		if again, err := back.Number(t.Context()); err != nil || again != number {
			t.Errorf("the page that came back shows %s, not %s: %v", again, number, err)
		}
		r.Page = back
		check(t, drive.Approve(t.Context(), phone, r, scan))
		_, err = p.systemAt(third, p.system).Fetch(t.Context(), r)
		check(t, err)
	}
}
