package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi/client"
	"yunzhang.dev/qrflow/qr"
)

type scanCmd struct {
	Text     string `arg:"" optional:"" help:"二维码里的文字，- 为标准输入。· Text of the code; - reads it from standard input."`
	PNG      string `name:"png" help:"二维码图片。· Picture of the code." type:"path" placeholder:"FILE"`
	Terminal bool   `help:"从标准输入读终端里画的二维码。· Read a code drawn for a terminal from standard input."`
}

// held is the request a phone has scanned and not decided yet. Scanning the
// same text again gives the same request to the same phone, so the text is all
// that has to be kept; the hash says that it is still what was shown.
type held struct {
	Text string    `json:"text"`
	Head gm.Digest `json:"head_sm3"`
}

const heldFile = "scan.json"

// Run scans a code and shows what is asked.
func (c scanCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	text, err := c.read(e)
	if err != nil {
		return err
	}
	s, err := h.Scan(h.ctx, text)
	if err != nil {
		return err
	}
	b, err := json.Marshal(held{Text: text, Head: gm.SM3(s.Head())})
	if err != nil {
		return err
	}
	if err := os.WriteFile(h.heldPath(), b, 0o600); err != nil {
		return err
	}
	e.request(s)
	return nil
}

// request shows what is asked, in the words that the server signs up to, and
// what the person may answer: no stands as prominently as yes.
func (e *env) request(s *client.Scan) {
	tell(e.out, s.Summary())
	if s.Statement.Listed() {
		e.printf("  %s\n", e.say("清单：yunzhang phone show --list，搜索：--find 文字，取出文件：--save 目录",
			"The list: yunzhang phone show --list; search it: --find TEXT; save documents: --save DIR"))
	}
	e.printf("\n%s\n%s\n%s\n",
		e.say("内容不对：      yunzhang phone reject", "Not right:                  yunzhang phone reject"),
		e.say("不是我发起的：  yunzhang phone report", "I did not start this:       yunzhang phone report"),
		e.say("核对无误：      yunzhang phone confirm（输入网页上的数字）", "Right, and I started this:  yunzhang phone confirm, with the number on the page"))
}

func (c scanCmd) read(e *env) (string, error) {
	given := 0
	for _, yes := range []bool{c.Text != "", c.PNG != "", c.Terminal} {
		if yes {
			given++
		}
	}
	switch {
	case given != 1:
		return "", usageError{e.say("给出文字、--png 或 --terminal 之一", "give one of a text, --png or --terminal")}
	case c.PNG != "":
		b, err := os.ReadFile(c.PNG)
		if err != nil {
			return "", err
		}
		return qr.Read(b)
	case c.Terminal:
		drawn, err := io.ReadAll(io.LimitReader(e.in, maxDrawing))
		if err != nil {
			return "", err
		}
		return readDrawing(string(drawn))
	case c.Text == "-":
		return e.ask("")
	}
	return c.Text, nil
}

func (h *handset) heldPath() string { return filepath.Join(h.flags.Dir, heldFile) }

var errNothingHeld = errors.New("nothing has been scanned")

// held opens the request that was scanned, if it is still the one that was
// shown.
func (f phoneFlags) held(e *env) (*handset, *client.Scan, error) {
	h, err := f.open(e)
	if err != nil {
		return nil, nil, err
	}
	b, err := os.ReadFile(h.heldPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: %s", errNothingHeld, e.say("先运行 yunzhang phone scan", "run yunzhang phone scan first"))
	}
	if err != nil {
		return nil, nil, err
	}
	var kept held
	if err := json.Unmarshal(b, &kept); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", h.heldPath(), err)
	}
	s, err := h.Scan(h.ctx, kept.Text)
	if err != nil {
		return nil, nil, err
	}
	if gm.SM3(s.Head()) != kept.Head {
		return nil, nil, errors.New(e.say("待确认内容与扫码时不同，不要确认", "what is asked is no longer what was shown; do not confirm it"))
	}
	return h, s, nil
}

// decided forgets the request.
func (h *handset) decided(state string) error {
	h.printf("%s\n", state)
	return os.Remove(h.heldPath())
}

type showCmd struct {
	List bool   `help:"列出全部文件。· List all documents."`
	Find string `help:"列出标题含此文字的文件。· List the documents whose title holds a text." placeholder:"TEXT"`
	Save string `help:"把列出的文件存到这个目录，缺省全部。· Save the documents that are listed, by default all, in a folder." type:"path" placeholder:"DIR"`
}

// Run shows the scanned request again, or documents of it.
func (c showCmd) Run(e *env, cli *commands) error {
	h, s, err := cli.Phone.held(e)
	if err != nil {
		return err
	}
	found := s.Find(c.Find)
	switch {
	case c.Save != "":
		return c.save(h, s, found)
	case c.List || c.Find != "":
		for _, i := range found {
			d := s.Statement.Docs[i-1]
			e.printf(e.say("%4d  %s  %d 页  SM3 %s…\n", "%4d  %s  %d pages  SM3 %s…\n"), i, d.Title, d.Pages, d.SM3.Hex()[:12])
		}
		e.printf(e.say("%d / %d 份文件\n", "%d of %d documents\n"), len(found), len(s.Statement.Docs))
	default:
		e.request(s)
	}
	return nil
}

func (c showCmd) save(h *handset, s *client.Scan, found []int) error {
	if err := os.MkdirAll(c.Save, 0o700); err != nil {
		return err
	}
	for _, i := range found {
		d, err := h.Document(h.ctx, s, i)
		if err != nil {
			return err
		}
		name := filepath.Join(c.Save, fmt.Sprintf("%d-%s.pdf", i, d.Line.SM3.Hex()[:12]))
		if err := os.WriteFile(name, d.Bytes, 0o600); err != nil {
			return err
		}
		h.printf("%s  %s\n", name, d.Line.Title)
	}
	return nil
}

type confirmCmd struct {
	Number string `help:"网页上的三位数字。· The number on the page." placeholder:"NNN"`
}

// Run confirms: every document is fetched and hashed, the number copied, and
// the statement signed behind the PIN.
func (c confirmCmd) Run(e *env, cli *commands) error {
	h, s, err := cli.Phone.held(e)
	if err != nil {
		return err
	}
	tell(e.out, s.Summary())
	if err := h.look(s); err != nil {
		return err
	}
	if c.Number == "" {
		if c.Number, err = e.ask(e.say("网页上的数字：", "Number on the page: ")); err != nil {
			return err
		}
	}
	u, err := h.unlock()
	if err != nil {
		return err
	}
	defer u.Close()
	state, err := u.Approve(h.ctx, s, strings.TrimSpace(c.Number))
	if errors.Is(err, fault.StepUpNeeded) {
		if _, err := h.faceOf(func() (*client.Session, error) { return h.BeginRealPersonFor(h.ctx, s) }); err != nil {
			return err
		}
		state, err = u.Approve(h.ctx, s, strings.TrimSpace(c.Number))
	}
	if err != nil {
		return err
	}
	return h.decided(state)
}

// look fetches and hashes every document: of a batch it says how many, of a few
// documents each.
func (h *handset) look(s *client.Scan) error {
	n := 0
	for d, err := range h.Documents(h.ctx, s) {
		if err != nil {
			return err
		}
		if n++; !s.Statement.Listed() {
			h.printf("  ✓ %s  %d B  SM3 %s…\n", d.Line.Title, len(d.Bytes), d.Line.SM3.Hex()[:12])
		}
	}
	if s.Statement.Listed() {
		h.printf(h.say("  ✓ %d 份文件与清单一致\n", "  ✓ %d documents, each the one in the list\n"), n)
	}
	return nil
}

type rejectCmd struct {
	Reason string `help:"原因。· Reason." placeholder:"TEXT"`
}

// Run refuses the scanned request.
func (c rejectCmd) Run(e *env, cli *commands) error {
	h, s, err := cli.Phone.held(e)
	if err != nil {
		return err
	}
	state, err := h.Phone.Reject(h.ctx, s, c.Reason)
	if err != nil {
		return err
	}
	return h.decided(state)
}

type reportCmd struct {
	ID     string `arg:"" optional:"" help:"已确认的请求编号 (tk_…)，见 activity；省略为刚扫的请求。· Id of a request confirmed before, as activity lists it; the scanned one by default."`
	Reason string `help:"情况说明。· What happened." placeholder:"TEXT"`
}

// Run reports a request as not started by the person: the scanned one, or one
// that he confirmed before.
func (c reportCmd) Run(e *env, cli *commands) error {
	if c.ID != "" {
		h, err := cli.Phone.open(e)
		if err != nil {
			return err
		}
		state, err := h.ReportClaim(h.ctx, c.ID, c.Reason)
		if err == nil {
			e.printf("%s\n", state)
		}
		return err
	}
	h, s, err := cli.Phone.held(e)
	if err != nil {
		return err
	}
	state, err := h.Phone.Report(h.ctx, s, c.Reason)
	if err != nil {
		return err
	}
	return h.decided(state)
}

type activityCmd struct{}

// Run lists what was done in the person's name, newest first.
func (activityCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	list, _, err := h.Phone.Activity(h.ctx, "", 30)
	for _, a := range list {
		e.printf("%s  %s  %s  %s\n", e.when(a.At), a.Action, a.Object, a.Decision)
	}
	return err
}
