package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"yunzhang.dev/cmd/internal/config"
)

type doctorCmd struct {
	configFlag
	JSON bool `help:"输出 JSON。· Print as JSON."`
}

// Help teaches.
func (doctorCmd) Help() string {
	return `Looks for what keeps a server from starting or from being trusted, and says how to
mend it. It changes nothing (in MongoDB it makes the collections a start would make),
and does not disturb a running server. Run it as the user of the server.

    yunzhang doctor
    yunzhang doctor --config /etc/yunzhang/yunzhang.toml --json

The exit status is 0 when everything is well, 1 otherwise.`
}

// finding is one line of doctor.
type finding struct {
	Check string `json:"check"` // stable name
	OK    bool   `json:"ok"`
	Text  string `json:"text"`
	Mend  string `json:"mend,omitempty"`
}

// patient is what doctor looks at.
type patient struct {
	*env
	cfg      config.Config
	findings []finding
}

func (p *patient) well(check, zh, en string, args ...any) {
	p.findings = append(p.findings, finding{Check: check, OK: true, Text: fmt.Sprintf(p.say(zh, en), args...)})
}

// ill notes what is wrong, and how to mend it.
func (p *patient) ill(check, text, mendZH, mendEN string, args ...any) {
	p.findings = append(p.findings, finding{Check: check, Text: text, Mend: fmt.Sprintf(p.say(mendZH, mendEN), args...)})
}

// Run examines everything that can be examined and tells it.
func (d doctorCmd) Run(e *env) error {
	p := &patient{env: e}
	cfg, err := d.load(e)
	if p.cfg = cfg; err != nil {
		p.configuration(err)
	} else {
		p.well("configuration", "配置和域名正确", "configuration and origins are well formed")
		for _, examine := range []func(){p.clock, p.keys, p.folders, p.mongodb, p.port, p.certificate} {
			examine()
		}
	}
	if err := d.tell(e, p.findings); err != nil {
		return err
	}
	for _, f := range p.findings {
		if !f.OK {
			return quiet{exitFailed}
		}
	}
	return nil
}

// configuration tells everything that config found wrong, a line each.
func (p *patient) configuration(err error) {
	for line := range strings.Lines(err.Error()) {
		p.ill("configuration", strings.TrimSpace(line), "改正配置文件或环境变量", "correct the file or the variable")
	}
}

func (d doctorCmd) tell(e *env, list []finding) error {
	if d.JSON {
		enc := json.NewEncoder(e.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(list)
	}
	for _, f := range list {
		e.printf("%s %s: %s\n", sign(f.OK), f.Check, f.Text)
		if f.Mend != "" {
			e.printf("    → %s\n", f.Mend)
		}
	}
	return nil
}
