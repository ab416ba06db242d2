package httpx

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
)

// types are the only sorts of file that are served. The system's own table of
// types differs from machine to machine, so it is not asked.
var types = map[string]string{
	".html":        "text/html; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".mjs":         "text/javascript; charset=utf-8",
	".json":        "application/json",
	".webmanifest": "application/manifest+json",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".ico":         "image/x-icon",
	".woff2":       "font/woff2",
	".wasm":        "application/wasm",
	".txt":         "text/plain; charset=utf-8",
}

// Files says how files are served.
type Files struct {
	// Policy of the HTML pages among them. Other files carry the strictest one.
	Policy Policy
	// Shared lets pages of other origins load the files: modules and styles of
	// the waiting page, which declaration systems put into pages of their own.
	Shared bool
}

// file is one file, ready to send.
type file struct {
	contentType string
	etag        string
	body, small []byte // small: gzip, nil when it does not pay
}

// Static serves the files of fsys under the route it is added to with a
// trailing "/*", index.html for a folder. Everything is read once, hashed and
// compressed at the start; an unknown sort of file is an error. Browsers keep
// files and ask whether they are still the same (ETag), so that a new release is
// seen at once.
func Static(fsys fs.FS, how Files) (fiber.Handler, error) {
	files := map[string]*file{}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[name], err = load(fsys, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	return func(c *fiber.Ctx) error {
		name, ok := resolve(files, c.Params("*"))
		if !ok {
			return fault.RouteUnknown
		}
		how.send(c, files[name])
		return nil
	}, nil
}

func load(fsys fs.FS, name string) (*file, error) {
	contentType, ok := types[path.Ext(name)]
	if !ok {
		return nil, fmt.Errorf("%s: no content type for this sort of file", name)
	}
	body, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return &file{
		contentType: contentType, body: body, small: compress(contentType, body),
		etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`,
	}, nil
}

// compress gives the gzip form when it saves at least a tenth.
func compress(contentType string, body []byte) []byte {
	if strings.HasPrefix(contentType, "image/png") || strings.HasPrefix(contentType, "font/") {
		return nil
	}
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = w.Write(body)
	_ = w.Close()
	if b.Len() > len(body)*9/10 {
		return nil
	}
	return b.Bytes()
}

// resolve finds a file by the rest of the path. Only names that were read at the
// start exist, so nothing else on the disk can be reached.
func resolve(files map[string]*file, rest string) (string, bool) {
	if _, ok := files[rest]; ok {
		return rest, true
	}
	folder := strings.TrimSuffix(rest, "/")
	name := strings.TrimPrefix(folder+"/index.html", "/")
	_, ok := files[name]
	return name, ok
}

func (how Files) send(c *fiber.Ctx, f *file) {
	if strings.HasPrefix(f.contentType, "text/html") {
		pageHeaders(c, how.Policy)
	}
	if how.Shared {
		c.Set(fiber.HeaderAccessControlAllowOrigin, "*")
		c.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	c.Set(fiber.HeaderContentType, f.contentType)
	c.Set(fiber.HeaderCacheControl, "no-cache")
	c.Set(fiber.HeaderETag, f.etag)
	c.Vary(fiber.HeaderAcceptEncoding)
	if matches(c.Get(fiber.HeaderIfNoneMatch), f.etag) {
		c.Status(fiber.StatusNotModified)
		return
	}
	if f.small != nil && acceptsGzip(c.Get(fiber.HeaderAcceptEncoding)) {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		c.Response().SetBodyRaw(f.small)
		return
	}
	c.Response().SetBodyRaw(f.body)
}

func matches(ifNoneMatch, etag string) bool {
	for item := range strings.SplitSeq(ifNoneMatch, ",") {
		if strings.TrimPrefix(strings.TrimSpace(item), "W/") == etag {
			return true
		}
	}
	return false
}

func acceptsGzip(accept string) bool {
	for item := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(item, ";")
		if strings.TrimSpace(name) == "gzip" && strings.TrimSpace(params) != "q=0" {
			return true
		}
	}
	return false
}
