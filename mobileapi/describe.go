package mobileapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	strict "github.com/go-json-experiment/json"
	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/web/httpx"
)

// The parts of the document.
const (
	tagEnrol        = "enrolment"
	tagDevice       = "device"
	tagMe           = "me"
	tagOrganization = "organization"
	tagSeal         = "seal"
	tagAct          = "act"
	tagScan         = "scan"
)

const deviceSecurity = "device"

func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: tagEnrol, Description: "登记 · Registration"},
		{Name: tagDevice, Description: "设备、签名密码、实人认证 · Device, PIN, real-person authentication"},
		{Name: tagMe, Description: "本人 · The caller"},
		{Name: tagOrganization, Description: "单位 · Organizations"},
		{Name: tagSeal, Description: "印章 · Seals"},
		{Name: tagAct, Description: "起草与签署 · Statements: drafted, shown, signed"},
		{Name: tagScan, Description: "扫码 · Scanning"},
	}
}

const about = `云章移动端接口。The interface of Yunzhang for phones.

Every request of an enrolled device carries one proof:

    Authorization: Yunzhang-Device device="<device_id>", nonce="<nonce>", sig="<base64url>"

sig is an SM2 signature (SM3, user id 1234567812345678, DER) by the request key over these lines, each ended by one LF:

    yunzhang-request/1
    method: <METHOD>
    path: <path with the query, as sent>
    body: <SM3 of the body's bytes, hex>
    idempotency: <Idempotency-Key as sent, empty when there is none>
    device: <device_id>
    nonce: <nonce>

Every answer brings a fresh nonce in Device-Nonce; a request that changes something uses its nonce up. JSON is read
strictly: unknown, doubled and wrong-case members are refused. Errors are problem documents (RFC 9457), in Chinese, or in
English when Accept-Language prefers it; decide on their code. A POST that changes something needs an Idempotency-Key
(26 to 128 characters A–Z a–z 0–9 - _): the same key with the same request gets the first answer again.`

// describe writes the OpenAPI 3.1 document.
func describe(list []operation, s *schemas) ([]byte, error) {
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "云章移动端接口 · Yunzhang phone API", Version: "1", Description: about},
		Tags:    tags(),
		Components: &huma.Components{
			Schemas: s.Registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{deviceSecurity: {
				Type: "http", Scheme: strings.ToLower(ProofScheme), Description: "设备证明 · Proof by the device's request key",
			}},
			Headers: map[string]*huma.Header{NonceHeader: {
				Description: "下一次请求用的随机数 · Nonce for the next request",
				Schema:      &huma.Schema{Type: huma.TypeString}, Example: exampleNonce().Nonce,
			}},
		},
	}
	var err error
	if doc.Components.Examples, err = problems(list); err != nil {
		return nil, err
	}
	doc.Components.Responses = map[string]*huma.Response{}
	for i := range list {
		op, err := s.describe(&list[i], doc.Components.Responses)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", list[i].id, err)
		}
		doc.AddOperation(op)
	}
	return indented(doc)
}

func indented(doc *huma.OpenAPI) ([]byte, error) {
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func (s *schemas) describe(o *operation, shared map[string]*huma.Response) (*huma.Operation, error) {
	op := &huma.Operation{
		Method: o.method, Path: o.path, OperationID: o.id, Tags: []string{o.tag}, Summary: o.zh, Description: o.en + ".",
		Extensions: map[string]any{"x-summary": map[string]string{"zh": o.zh, "en": o.en}},
		Parameters: s.parameters(o), Security: []map[string][]string{},
	}
	if o.note != "" {
		op.Description += "\n\n" + o.note
	}
	if !o.open {
		op.Security = append(op.Security, map[string][]string{deviceSecurity: {}})
	}
	var err error
	if !o.in.none() {
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
		op.RequestBody.Content[fiber.MIMEApplicationJSON], err = s.media(o.in)
	}
	if err != nil {
		return nil, err
	}
	op.Responses, err = s.responses(o, shared)
	return op, err
}

// media describes a JSON body with its example, which is what the code writes.
func (s *schemas) media(p payload) (*huma.MediaType, error) {
	b, err := strict.Marshal(p.example, strict.Deterministic(true), strict.FormatNilSliceAsNull(false))
	if err != nil {
		return nil, err
	}
	return &huma.MediaType{Schema: s.of[p.of], Example: json.RawMessage(b)}, nil
}

func (s *schemas) parameters(o *operation) []*huma.Param {
	var list []*huma.Param
	for _, name := range o.names() {
		n := pathNames()[name]
		list = append(list, &huma.Param{
			Name: name, In: "path", Required: true, Description: n.zh + " · " + n.en, Example: n.example,
			Schema: &huma.Schema{Type: huma.TypeString, Pattern: n.pattern},
		})
	}
	for _, q := range o.query {
		list = append(list, &huma.Param{
			Name: q.name, In: "query", Description: q.zh + " · " + q.en, Example: q.example,
			Schema: &huma.Schema{Type: huma.TypeString, Pattern: q.pattern},
		})
	}
	if o.changes {
		list = append(list, &huma.Param{
			Name: httpx.IdempotencyKey, In: "header", Required: true, Example: exampleKey,
			Description: "幂等键：重试时不变 · The same for every repetition of one request",
			Schema:      &huma.Schema{Type: huma.TypeString, Pattern: `^"?[A-Za-z0-9_-]{26,128}"?$`},
		})
	}
	return list
}

// pathNames describes the names in paths.
func pathNames() map[string]parameter {
	const id = `^[A-Za-z0-9_.-]{1,128}$`
	return map[string]parameter{
		"id":   {zh: "编号", en: "Id of the thing", pattern: id, example: exampleID("xx")},
		"org":  {zh: "单位编号", en: "Organization id", pattern: id, example: exampleID("og")},
		"code": {zh: "印章编码", en: "Seal code", pattern: id, example: exampleSealCode},
		"i":    {zh: "文件序号，从 1 开始", en: "Number of the document, from 1", pattern: `^[1-9][0-9]{0,2}$`, example: "1"},
	}
}

func (s *schemas) responses(o *operation, shared map[string]*huma.Response) (map[string]*huma.Response, error) {
	all := map[string]*huma.Response{}
	good := &huma.Response{Description: "成功 · Done", Headers: nonceHeader()}
	switch {
	case o.out.file():
		f, _ := o.out.example.(file)
		good.Content = map[string]*huma.MediaType{f.MediaType: {
			Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}, Example: string(f.Bytes),
		}}
	case !o.out.none():
		media, err := s.media(o.out)
		if err != nil {
			return nil, err
		}
		good.Content = map[string]*huma.MediaType{fiber.MIMEApplicationJSON: media}
	}
	all[strconv.Itoa(o.success())] = good
	for status, faults := range byStatus(o.all()) {
		name := strconv.Itoa(status)
		for _, f := range faults {
			name += "." + f.Code
		}
		shared[name] = s.refusals(faults)
		all[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + name}
	}
	return all, nil
}

func nonceHeader() map[string]*huma.Header {
	return map[string]*huma.Header{NonceHeader: {Ref: "#/components/headers/" + NonceHeader}}
}

func byStatus(list []*fault.Error) map[int][]*fault.Error {
	groups := map[int][]*fault.Error{}
	for _, f := range list {
		status := httpx.Status(f)
		if !slices.Contains(groups[status], f) {
			groups[status] = append(groups[status], f)
		}
	}
	return groups
}

// problems are the documents of all faults, by code.
func problems(list []operation) (map[string]*huma.Example, error) {
	all := map[string]*huma.Example{}
	for i := range list {
		for _, f := range list[i].all() {
			b, err := httpx.Problem(f, statement.Chinese).MarshalJSON()
			if err != nil {
				return nil, err
			}
			all[f.Code] = &huma.Example{Summary: f.EN, Value: json.RawMessage(b)}
		}
	}
	return all, nil
}

// refusals describes the faults of one status, each with its document.
func (s *schemas) refusals(faults []*fault.Error) *huma.Response {
	examples := map[string]*huma.Example{}
	words := make([]string, 0, len(faults))
	for _, f := range faults {
		examples[f.Code] = &huma.Example{Ref: "#/components/examples/" + f.Code}
		words = append(words, "`"+f.Code+"` "+f.ZH+" · "+f.EN)
	}
	return &huma.Response{
		Description: strings.Join(words, "\n\n"), Headers: nonceHeader(),
		Content: map[string]*huma.MediaType{httpx.ProblemType: {
			Schema: s.of[reflect.TypeFor[httpx.ProblemDoc]()], Examples: examples,
		}},
	}
}
