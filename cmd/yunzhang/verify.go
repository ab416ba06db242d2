package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"yunzhang.dev/authz/codes"
	"yunzhang.dev/authz/passkey"
	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/web/public"
)

type verifyCmd struct {
	File   string `arg:"" help:"PDF 文件或印章 (.esl)，- 为标准输入。· A PDF or a seal (.esl); - for standard input."`
	Bundle string `help:"信任清单或验证包，来自 https://verify.…/v1/trust 或申报系统。· Trust bundle of the issuer, or the evidence of a stamp." placeholder:"FILE"`
	JSON   bool   `help:"输出 JSON。· Print the report as JSON."`
}

// Help teaches.
func (verifyCmd) Help() string {
	return `Everything is checked on this machine; nothing is sent anywhere. Without --bundle
the content, the seal and the signer are checked, but nobody vouches for who issued
the seal, so the verdict is "unknown issuer" at best.

    yunzhang verify 登记表-stamped.pdf
    curl -o trust.json https://verify.example.gov.cn/v1/trust
    yunzhang verify 登记表-stamped.pdf --bundle trust.json && echo genuine

The exit status is 0 only when the verdict is "genuine", 1 for any other verdict,
2 for a mistake in the arguments.`
}

// maxFile bounds a file to verify: twice what the server takes.
const maxFile = 64 << 20

// Run verifies a file.
func (v verifyCmd) Run(e *env) error {
	file, err := v.read(e)
	if err != nil {
		return err
	}
	trust, err := v.trust()
	if err != nil {
		return err
	}
	trust.Now = e.now()
	report := public.Examine(file, trust, e.lang)
	report.CheckedAt = trust.Now.UTC().Truncate(time.Second)
	if v.JSON {
		enc := json.NewEncoder(e.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		v.tell(e, report)
	}
	if err == nil && !report.Genuine {
		err = quiet{exitFailed}
	}
	return err
}

func (v verifyCmd) read(e *env) ([]byte, error) {
	var from io.Reader = e.in
	if v.File != "-" {
		f, err := os.Open(v.File)
		if err != nil {
			return nil, usageError{err.Error()}
		}
		defer f.Close()
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	switch {
	case err != nil:
		return nil, usageError{err.Error()}
	case len(b) > maxFile:
		return nil, usageError{fmt.Sprintf(e.say("%s 超过 %d MiB", "%s is larger than %d MiB"), v.File, maxFile>>20)}
	case len(b) == 0:
		return nil, usageError{fmt.Sprintf(e.say("%s 是空的", "%s is empty"), v.File)}
	}
	return b, nil
}

func (v verifyCmd) trust() (verify.Trust, error) {
	if v.Bundle == "" {
		return verify.Trust{}, nil
	}
	b, err := os.ReadFile(v.Bundle)
	if err != nil {
		return verify.Trust{}, usageError{err.Error()}
	}
	bundle, err := verify.ParseBundle(b)
	if err != nil {
		return verify.Trust{}, usageError{v.Bundle + ": " + strings.TrimPrefix(err.Error(), "verify: ")}
	}
	trust, err := bundle.Trust()
	if err == nil && !bundle.Passkeys.IsZero() {
		trust.Second = passkey.Checker{RPID: bundle.Passkeys.RPID, Origins: bundle.Passkeys.Origins}
	}
	return trust, err
}

// tell writes the report for people.
func (v verifyCmd) tell(e *env, r public.Report) {
	e.printf("%s %s  %s\n", sign(r.Genuine), r.Title, filepath.Base(v.File))
	reason := r.Reason
	if reason == "" {
		reason = r.Words
	}
	e.printf("  %s\n  SM3 %s, %d B\n", reason, r.SM3.Hex(), r.Size)
	for _, s := range r.Stamps {
		e.printf("\n%s %s\n", sign(s.Verdict == verify.Genuine), s.Title)
		e.stamp(s)
		e.checks(s.Checks)
	}
	if r.Seal != nil {
		e.printf("\n  %s %s\n", e.say("印章", "seal"), r.Seal.Name)
		e.row(e.say("编码", "code"), r.Seal.Code)
		e.row(e.say("制章人", "made by"), holder(r.Seal.Maker.Organization))
	}
	e.checks(r.Checks)
	for _, n := range r.Notes {
		e.printf("\n%s\n", n)
	}
	if v.Bundle == "" && r.Verdict != verify.Unsealed && r.Code == "" {
		e.printf("\n%s\n", e.say(
			"没有信任清单：签发机构、印章状态和授权没有检查。清单见 https://verify.…/v1/trust，用 --bundle 给出。",
			"No bundle was given: the issuer, the state of the seal and the approval were not checked. Get one from https://verify.…/v1/trust and give it with --bundle."))
	}
}

func (e *env) stamp(s public.Stamp) {
	e.row(e.say("印章", "seal"), s.Seal.Name+" "+s.Seal.Code)
	e.row(e.say("单位", "organization"), holder(s.Signer.Organization))
	e.row(e.say("时间", "time"), e.when(s.Time))
	e.row(e.say("位置", "place"), fmt.Sprintf(e.say("第 %d 页", "page %d"), s.Page))
	if s.Evidence == nil || s.Evidence.Proved == nil {
		return
	}
	p := s.Evidence.Proved
	e.row(e.say("申报系统", "application"), p.Application)
	e.row(e.say("确认人", "approved by"), p.Agent)
	if p.Grantor != "" {
		e.row(e.say("授权人", "delegated by"), fmt.Sprintf("%s (%d/%d)", p.Grantor, s.Evidence.Slot, p.Slots))
	}
	if p.SecondBy != "" {
		e.row(e.say("复核人", "second person"), p.SecondBy)
	}
}

// holder parts "USCC immediately followed by the name", as seal certificates
// have it.
func holder(o string) string {
	const size = 18 // GB 32100
	if len(o) > size {
		if _, err := codes.ParseUSCC(o[:size]); err == nil {
			return o[size:] + " " + o[:size]
		}
	}
	return o
}

// row writes one fact, if it is known.
func (e *env) row(label, value string) {
	if value != "" && value != " " {
		e.printf("  %s: %s\n", label, value)
	}
}

func (e *env) checks(list []public.Check) {
	for _, c := range list {
		mark := map[verify.Answer]string{verify.Yes: "✓", verify.No: "✗"}[c.Answer]
		if mark == "" {
			mark = "–"
		}
		e.printf("    %s %s: %s\n", mark, c.Title, c.Reason)
	}
}

func sign(good bool) string {
	if good {
		return "✓"
	}
	return "✗"
}
