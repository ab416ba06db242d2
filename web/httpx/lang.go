package httpx

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
)

const (
	langZH = "zh"
	langEN = "en"
)

// Lang is the language of answers: "en" when Accept-Language prefers English
// over Chinese, "zh" otherwise.
func Lang(c *fiber.Ctx) string { return PreferredLang(c.Get(fiber.HeaderAcceptLanguage)) }

// PreferredLang reads an Accept-Language value (RFC 9110 §12.5.4).
func PreferredLang(accept string) string {
	best := map[string]float64{}
	for item := range strings.SplitSeq(accept, ",") {
		tag, q := languageRange(item)
		if q > best[tag] {
			best[tag] = q
		}
	}
	if best[langEN] > best[langZH] {
		return langEN
	}
	return langZH
}

// languageRange gives the primary subtag and the weight of one item.
func languageRange(item string) (tag string, q float64) {
	name, params, _ := strings.Cut(item, ";")
	tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), "-")
	weight, ok := strings.CutPrefix(strings.TrimSpace(params), "q=")
	if !ok {
		return tag, 1
	}
	q, err := strconv.ParseFloat(weight, 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return tag, 0
	}
	return tag, q
}
