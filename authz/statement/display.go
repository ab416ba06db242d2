package statement

import "yunzhang.dev/cloudseal/gm"

// displayTemplate names the wording of Summary; it changes when Summary does,
// so that what a person was shown can be rendered again years later.
const displayTemplate = "approval-summary/1"

// DisplayDigest is what the display line of an approval holds: SM3 over the
// language, the template and the very lines that the phone shows (protocol.md
// §2.6). The display line itself is not among them.
func (a Approval) DisplayDigest(lang string) gm.Digest {
	if lang != English {
		lang = Chinese
	}
	parts := [][]byte{[]byte(lang + "\n" + displayTemplate + "\n")}
	for _, l := range a.Summary(lang) {
		parts = append(parts, []byte(l.Label+": "+l.Value+"\n"))
	}
	return gm.SM3(parts...)
}
