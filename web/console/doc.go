// Package console owns what operators ask of a running node over its unix
// socket (mode 0600): the applications that wait, opinions on them, further
// operators, declaration systems and their kill switch,
// the audit chain.
//
//	GET  /v1/console/status               who am I, what waits
//	GET  /v1/console/applications?state=  applications for seals (clerk, reviewer)
//	GET  /v1/console/applications/{id}    one of them, with its pictures
//	GET  /v1/console/apps                 declaration systems (business, auditor)
//	GET  /v1/console/alarms               what somebody should look at (business, auditor)
//	POST /v1/console/audit/verify         walk the audit chain (auditor)
//	POST /v1/console/drafts               an order → the statement to sign
//	POST /v1/console/acts/{id}/sign       order and signature → done
//
// The socket is no proof of anything: every request is proved by the operator's
// device (web/httpx/deviceproof), like a phone's, and whatever changes something
// is an [Order] that he signs with the key behind his PIN. The statement carries
// the hash of the order, so what is performed is what was signed.
//
// Enrolment, PIN and nonces are mobileapi's; the composition root mounts both on
// the socket. Who may do what is authz's answer.
package console
