package httpx

import (
	"bytes"
	_ "embed"
	"html/template"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
)

//go:embed problems.html
var problemsHTML string

//go:embed problems.css
var problemsCSS []byte

var problemsTemplate = template.Must(template.New("problems").Parse(problemsHTML))

// problemsPage is what the template shows: one problem that happened, one code
// explained, or the list of codes.
type problemsPage struct {
	Lang, Title, Code, Instance string
	Status                      int
	Entry                       *problemEntry
	List                        []problemEntry
}

type problemEntry struct {
	Code, ZH, EN string
	Status       int
}

func entryOf(f *fault.Error) problemEntry {
	return problemEntry{Code: f.Code, ZH: f.ZH, EN: f.EN, Status: Status(f)}
}

// mountProblems serves a page for each code (RFC 9457 §3.1.1 wants the type to
// lead to something a person can read) and a list of all.
func mountProblems(app fiber.Router) {
	entries := map[string]problemEntry{}
	var list []problemEntry
	for _, f := range fault.All() {
		entries[f.Code] = entryOf(f)
		list = append(list, entryOf(f))
	}
	app.Get(problemsPath, func(c *fiber.Ctx) error {
		title := "错误代码"
		if Lang(c) == langEN {
			title = "Problem codes"
		}
		return writePage(c, problemsPage{Lang: Lang(c), Title: title, List: list})
	})
	app.Get(problemsPath+"/style.css", func(c *fiber.Ctx) error {
		pageHeaders(c, Policy{})
		c.Set(fiber.HeaderContentType, "text/css; charset=utf-8")
		c.Set(fiber.HeaderCacheControl, "public, max-age=3600")
		return c.Send(problemsCSS)
	})
	app.Get(problemsPath+"/:code", func(c *fiber.Ctx) error {
		e, ok := entries[c.Params("code")]
		if !ok {
			return fault.RouteUnknown
		}
		title := e.ZH
		if Lang(c) == langEN {
			title = e.EN
		}
		return writePage(c, problemsPage{Lang: Lang(c), Title: title, Code: e.Code, Status: e.Status, Entry: &e})
	})
}

// writeProblemPage shows a problem to a person. The status is set already.
func writeProblemPage(c *fiber.Ctx, doc ProblemDoc) {
	page := problemsPage{Lang: Lang(c), Title: doc.Detail, Code: doc.Code, Status: doc.Status, Instance: doc.Instance}
	if err := writePage(c, page); err != nil {
		c.Set(fiber.HeaderContentType, ProblemType)
		c.Response().SetBodyRaw(doc.encode())
	}
}

func writePage(c *fiber.Ctx, page problemsPage) error {
	var b bytes.Buffer
	if err := problemsTemplate.Execute(&b, page); err != nil {
		return err
	}
	pageHeaders(c, Policy{})
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Send(b.Bytes())
}
