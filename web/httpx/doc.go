// Package httpx is the HTTP kit of all transports: one server with its limits,
// one way from an error to an answer, one line in the log for each request.
//
// It owns
//
//	the server       NewServer, Sites, Serve (fiber v2 and what must be set on it)
//	the request      id, client address, host allow-list, body limits, context
//	the answer       Problem, Status: authz/fault to RFC 9457 problem documents
//	the body         Decode: JSON with nothing unknown, doubled or left over
//	the page         Policy, Static: strict content security and embedded files
//	the brakes       Limiter, Budget, Gate, Idempotent
//	the instruments  Metrics, Health
//
// It does not own routes, authentication or any rule of the domains, and it
// holds no state that must outlive the process. Signed requests between servers
// are in web/httpx/sign.
//
// A request passes, in this order: request id, host allow-list, size limit of its
// route and room in the budget (before its body is read), body, gate, handler,
// problem document, log line. Handlers return errors and write nothing on failure.
package httpx
