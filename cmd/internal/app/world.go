package app

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/cmd/internal/config"
)

// Person is a person of the sandbox world.
type Person struct {
	Name     string `json:"name"`
	IDNumber string `json:"id_number"`
	Phone    string `json:"phone"`
}

// Organization is an organization of the sandbox world.
type Organization struct {
	USCC  string   `json:"uscc"`
	Name  string   `json:"name"`
	Legal Person   `json:"legal"`
	Kinds []string `json:"kinds"` // of filed impressions
}

// World is what the sandbox providers know.
type World struct {
	Organizations []Organization `json:"organizations"`
	People        []Person       `json:"people"`
}

// providers are the parties outside.
type providers struct {
	registry *registry.Sandbox
	faces    *realperson.Sandbox
	outbox   *notify.Outbox
}

// sandboxProviders makes the sandbox's providers and fills their world.
func sandboxProviders(c config.Config, o Options, now func() time.Time) (providers, error) {
	outbox := c.Sandbox.Outbox
	if outbox == "" {
		outbox = filepath.Join(c.DataDir, "outbox.jsonl")
	}
	draws := o.Drawer
	if draws == nil {
		draws = impression.New()
	}
	p := providers{
		registry: registry.NewSandbox(drawer{draws}, now),
		faces:    realperson.NewSandbox(now, true),
		outbox:   notify.NewOutbox(outbox, now),
	}
	w := o.World
	if c.Sandbox.World != "" {
		b, err := os.ReadFile(c.Sandbox.World)
		if err == nil {
			err = json.Unmarshal(b, &w)
		}
		if err != nil {
			return providers{}, fmt.Errorf("sandbox.world: %w", err)
		}
	}
	p.fill(w)
	return p, nil
}

func (p providers) fill(w World) {
	for _, o := range w.Organizations {
		p.registry.Put(registry.Organization{
			USCC: o.USCC, Name: o.Name, Legal: registry.Identity{Name: o.Legal.Name, IDNumber: o.Legal.IDNumber}, Kinds: o.Kinds,
		})
		p.faces.Know(realperson.Identity{Name: o.Legal.Name, IDNumber: o.Legal.IDNumber})
	}
	for _, one := range w.People {
		p.faces.Know(realperson.Identity{Name: one.Name, IDNumber: one.IDNumber})
	}
}

func (p providers) lastCode(phone, template string) string {
	return p.outbox.LastCode(phone, notify.Template(template))
}
