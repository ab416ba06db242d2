package public

import (
	"bytes"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/web/httpx"
)

// Media types of what can be verified. There is none registered for a seal by
// itself, so it comes as a plain file; what it is shows in its first bytes.
const (
	typePDF  = "application/pdf"
	typeFile = fiber.MIMEOctetStream
)

// verify answers POST /v1/verify. That a file is not genuine is an answer like
// any other: status 200, genuine false.
func (p *Public) verify(c *fiber.Ctx) error {
	file, err := p.file(c)
	if err != nil {
		return err
	}
	leave, err := p.room.Enter(c.UserContext())
	if err != nil {
		return err
	}
	defer leave()
	trust := p.seals.Trust(c.UserContext())
	report := examine(file, trust, httpx.Lang(c), verify.Report.WithoutNames)
	report.CheckedAt = p.now().UTC().Truncate(time.Second)
	httpx.Note(c, "verdict", string(report.Verdict))
	c.Set(fiber.HeaderContentLanguage, httpx.Lang(c))
	return httpx.Reply(c, fiber.StatusOK, report)
}

// acceptsReply tells, before anybody sends a file, what is taken.
type acceptsReply struct {
	Document int      `json:"document"` // bytes
	Seal     int      `json:"seal"`     // bytes
	Types    []string `json:"types"`
}

// accepts answers GET /v1/verify.
func (p *Public) accepts(c *fiber.Ctx) error {
	return httpx.Reply(c, fiber.StatusOK, acceptsReply{p.limits.Document, p.limits.Seal, []string{typePDF, typeFile}})
}

// file is the body, within the limit of what it is.
func (p *Public) file(c *fiber.Ctx) ([]byte, error) {
	if err := httpx.CheckMediaType(c, typePDF, typeFile); err != nil {
		return nil, err
	}
	file, limit := c.Request().Body(), p.limits.Document
	if isSeal(file) {
		limit = p.limits.Seal
	}
	switch {
	case len(file) == 0:
		return nil, fault.BadRequest.With("reason", "empty")
	case len(file) > limit:
		return nil, fault.BodyTooLarge.With("limit", limit)
	}
	return file, nil
}

// isSeal tells a seal from a document: DER begins with a SEQUENCE of the long
// form (X.690 §8.1.3.5), and a PDF reader would find no header in the first KiB.
func isSeal(file []byte) bool {
	head := file[:min(len(file), 1024)]
	return len(head) > 2 && head[0] == 0x30 && head[1] > 0x80 && head[1] <= 0x84 && !bytes.Contains(head, []byte("%PDF-"))
}

// Examine gives the verdict on a file, a document or a seal by itself, in the
// words of a language ("zh" or "en"). With evidence in trust the report may hold
// names.
func Examine(file []byte, trust verify.Trust, lang string) Report {
	return examine(file, trust, lang, func(r verify.Report) verify.Report { return r })
}

func examine(file []byte, trust verify.Trust, lang string, shown func(verify.Report) verify.Report) Report {
	if isSeal(file) {
		return ofSeal(verify.Seal(file, trust), len(file), lang)
	}
	return ofDocument(shown(verify.Document(file, trust)), lang)
}
