package public

import (
	"time"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/verify"
)

// Report is the report of cloudseal/verify on the wire, its words in one
// language. Programs decide on genuine, verdict and the codes.
type Report struct {
	Kind    string         `json:"kind"`    // document, seal
	Genuine bool           `json:"genuine"` // the verdict is "genuine"
	Verdict verify.Verdict `json:"verdict"`
	Title   string         `json:"title"` // the verdict in a word or two
	Words   string         `json:"words"` // and in a sentence
	SM3     gm.Digest      `json:"sm3"`   // of the file
	Size    int            `json:"size"`
	// Code and Reason are there when the file could not be examined.
	Code      string    `json:"code,omitzero"`
	Reason    string    `json:"reason,omitzero"`
	CheckedAt time.Time `json:"checked_at,omitzero"`
	// Notes are what everybody should know who relies on the verdict.
	Notes []string `json:"notes"`

	Stamps []Stamp `json:"stamps,omitzero"` // of a document, [] when there is none

	Seal   *verify.SealFacts `json:"seal,omitempty"` // of a seal by itself
	Checks []Check           `json:"checks,omitempty"`
}

// Stamp is one stamp of a document.
type Stamp struct {
	Verdict  verify.Verdict        `json:"verdict"`
	Title    string                `json:"title"`
	Words    string                `json:"words"`
	Field    string                `json:"field"`
	Page     int                   `json:"page"`
	Place    verify.Place          `json:"place,omitzero"`
	Time     time.Time             `json:"time,omitzero"` // claimed
	Seal     verify.SealFacts      `json:"seal,omitzero"`
	Signer   verify.Subject        `json:"signer,omitzero"`
	Evidence *verify.EvidenceFacts `json:"evidence,omitempty"`
	Checks   []Check               `json:"checks"`
}

// Check is one check with its answer and the reason for it.
type Check struct {
	Name   verify.Name   `json:"check"`
	Title  string        `json:"title"`
	Answer verify.Answer `json:"answer"` // yes, no, not-checked
	Code   string        `json:"code"`
	Reason string        `json:"reason"`
}

func in(t verify.Text, lang string) string {
	if lang == "en" {
		return t.EN
	}
	return t.ZH
}

func ofDocument(r verify.Report, lang string) Report {
	out := Report{
		Kind: "document", Genuine: r.Verdict == verify.Genuine, Verdict: r.Verdict, Title: VerdictTitle(r.Verdict, lang),
		Words: in(r.Words, lang), SM3: r.SM3, Size: r.Size, Code: r.Code, Reason: in(r.Reason, lang), Notes: []string{},
		Stamps: make([]Stamp, len(r.Stamps)),
	}
	for i, s := range r.Stamps {
		out.Stamps[i] = Stamp{
			Verdict: s.Verdict, Title: VerdictTitle(s.Verdict, lang), Words: in(s.Words, lang), Field: s.Field, Page: s.Page,
			Place: s.Place, Time: s.Time, Seal: s.Seal, Signer: s.Signer, Evidence: s.Evidence, Checks: checks(s.Checks, lang),
		}
	}
	if out.Genuine {
		out.Notes = append(out.Notes, in(original, lang))
	}
	return out
}

func ofSeal(r verify.SealReport, size int, lang string) Report {
	out := Report{
		Kind: "seal", Genuine: r.Verdict == verify.Genuine, Verdict: r.Verdict, Title: VerdictTitle(r.Verdict, lang),
		Words: in(r.Words, lang), SM3: r.SM3, Size: size, Notes: []string{}, Checks: checks(r.Checks, lang),
	}
	if r.Seal.Code != "" {
		out.Seal = &r.Seal
	}
	return out
}

func checks(list []verify.Check, lang string) []Check {
	out := make([]Check, len(list))
	for i, c := range list {
		out[i] = Check{Name: c.Name, Title: CheckTitle(c.Name, lang), Answer: c.Answer, Code: c.Code, Reason: in(c.Reason, lang)}
	}
	return out
}

// original is what the law has to say to whoever holds the file.
var original = verify.Text{
	ZH: "盖章的电子文件是原件；打印件是复印件，请保存电子文件本身。",
	EN: "The stamped file is the original. A print of it is a copy: keep the file itself.",
}

// VerdictTitle names a verdict.
func VerdictTitle(v verify.Verdict, lang string) string { return in(verdictTitles[v], lang) }

var verdictTitles = map[verify.Verdict]verify.Text{
	verify.Genuine:       {ZH: "真实有效", EN: "Genuine"},
	verify.Unsealed:      {ZH: "没有电子印章", EN: "Not sealed"},
	verify.UnknownIssuer: {ZH: "签发机构不受信任", EN: "Unknown issuer"},
	verify.Invalid:       {ZH: "无效", EN: "Not valid"},
	verify.Altered:       {ZH: "已被改动", EN: "Altered"},
}

// CheckTitle names a check.
func CheckTitle(n verify.Name, lang string) string { return in(checkTitles[n], lang) }

// checkTitles say what holds when the answer is yes.
var checkTitles = map[verify.Name]verify.Text{
	verify.Integrity:    {ZH: "内容未改动", EN: "Content intact"},
	verify.Coverage:     {ZH: "签章覆盖全文", EN: "Whole file covered"},
	verify.LaterChanges: {ZH: "没有追加内容", EN: "Nothing added since"},
	verify.SealMaker:    {ZH: "印章数据真实", EN: "Seal as made"},
	verify.Signer:       {ZH: "签章证书属于印章", EN: "Signer permitted"},
	verify.Chain:        {ZH: "签发机构可信", EN: "Issuer trusted"},
	verify.Revocation:   {ZH: "证书未被吊销", EN: "Not revoked"},
	verify.Time:         {ZH: "签章时间合理", EN: "Time possible"},
	verify.Status:       {ZH: "盖章时印章可用", EN: "Seal usable then"},
	verify.Evidence:     {ZH: "经本人确认和授权", EN: "Approved by a person"},
	verify.Void:         {ZH: "文件未被作废", EN: "Not withdrawn"},
}
