package app

import (
	_ "embed"

	"yunzhang.dev/mobileapi"
)

//go:embed agreement.txt
var agreementText string

// agreementID names the version of the text. It changes with every change of
// the text: what was signed must stay what it was.
const agreementID = "service-agreement-2026-11"

func agreement() mobileapi.Agreement {
	return mobileapi.Agreement{ID: agreementID, Text: agreementText}
}
