// Package public owns what anybody may ask without an account: is this document
// genuine, what is trusted here, was this seal usable then. It has a page for
// people and calls for programs:
//
//	GET  /                            the page: drop a file, read the verdict
//	GET  /q                           where scanning with another app leads: says so
//	GET  /v1/verify                   what is taken, and how large
//	POST /v1/verify                   a PDF or a seal → the report of cloudseal/verify
//	GET  /v1/trust                    what an offline verifier needs, without evidence
//	GET  /v1/seals/{code}/status?at=  the state of a seal at a time (电子印章状态发布)
//	GET  /.well-known/cseal-keys      the keys and certificates that stand behind all this
//
// It decides nothing itself: verdicts are those of cloudseal/verify, states
// those of cloudseal/status. A file that is sent here is examined in memory and
// not kept. Reports hold no names of persons (verify.Report.WithoutNames).
package public
