package api

import (
	"mime"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/web/httpx"
)

const pdfType = "application/pdf"

// documentView is a document on the wire.
type documentView struct {
	ID      string    `json:"document_id"`
	Title   string    `json:"title"`
	SM3     string    `json:"sm3"`
	Size    int       `json:"size"`
	Pages   int       `json:"pages"`
	State   string    `json:"state"` // ready, held, stamping, stamped
	Stamped string    `json:"stamped_sm3,omitempty"`
	Created time.Time `json:"created_at"`
}

func viewDocument(d *cloudseal.Document) documentView {
	v := documentView{
		ID: d.ID, Title: d.Title, SM3: d.SM3.Hex(), Size: d.Size, Pages: d.Pages, State: string(d.State), Created: d.CreatedAt,
	}
	if !d.Stamped.IsZero() {
		v.Stamped = d.Stamped.Hex()
	}
	return v
}

// upload takes a document in. Its title is the name parameter of the content
// type (RFC 8187 form name*=UTF-8”…), which the signature covers.
func (a *API) upload(c *fiber.Ctx) error {
	kind, params, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || kind != pdfType {
		return fault.BadMediaType.With("accepts", []string{pdfType})
	}
	body := c.Request().Body()
	if len(body) > a.d.MaxDocument {
		return fault.BodyTooLarge.With("limit", a.d.MaxDocument)
	}
	title := params["name"]
	if title == "" {
		return fault.BadRequest.With("field", "name")
	}
	d, err := a.d.Seals.Upload(c.UserContext(), appOf(c).ID, title, body, httpx.BodySM3(c), httpx.Kept(c, func(d *cloudseal.Document) error {
		return httpx.Reply(c, fiber.StatusCreated, viewDocument(d))
	}))
	if err != nil {
		return err
	}
	httpx.Note(c, "document", d.ID)
	return nil
}

func (a *API) document(c *fiber.Ctx) error {
	d, err := a.d.Seals.Document(c.UserContext(), appOf(c).ID, c.Params("id"))
	if err != nil {
		return err
	}
	return httpx.Reply(c, fiber.StatusOK, viewDocument(d))
}

func (a *API) stamped(c *fiber.Ctx) error {
	d, err := a.d.Seals.Document(c.UserContext(), appOf(c).ID, c.Params("id"))
	if err != nil {
		return err
	}
	b, err := a.d.Seals.Result(c.UserContext(), d)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, pdfType)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Send(b)
}
