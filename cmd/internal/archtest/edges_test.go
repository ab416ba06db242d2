package archtest

// A room is a package path below the module, or a path ending in /... for a
// package and everything below it.

// leaves may be imported by everybody; each lists what it may import itself.
var leaves = map[string][]string{
	"cloudseal/gm":    {},
	"authz/unit":      {},
	"authz/fault":     {},
	"authz/codes":     {"authz/fault"},
	"authz/statement": {"cloudseal/gm", "authz/fault"},
	"authz/audit":     {"cloudseal/gm", "authz/unit", "authz/fault"},
	"qrflow/qr":       {},
}

// edges are the arrows of DESIGN.md between project packages, leaves aside.
var edges = map[string][]string{
	"authz/unit/unittest":   {},
	"authz/registry":        {},
	"authz/realperson":      {},
	"authz/notify":          {},
	"authz/onetime":         {},
	"authz/passkey":         {"authz"},
	"authz/passkey/softkey": {},
	"authz/authztest":       {"authz", "authz/..."},
	"authz":                 {"authz/registry", "authz/realperson", "authz/notify", "authz/onetime"},

	"qrflow":            {"authz"},
	"qrflow/qrflowtest": {"qrflow", "authz", "authz/unit/unittest"},

	"cloudseal/ca":               {},
	"cloudseal/ses":              {},
	"cloudseal/pdf":              {"cloudseal/pdf/internal/cos"},
	"cloudseal/pdf/internal/cos": {},
	"cloudseal/impression":       {},
	"cloudseal/status":           {},
	"cloudseal/keys":             {"cloudseal/ses", "cloudseal/pdf", "cloudseal/ofd"},
	"cloudseal/verify":           {"cloudseal/ses", "cloudseal/pdf", "cloudseal/ofd", "cloudseal/ca", "cloudseal/status"},
	"cloudseal":                  {"authz", "authz/registry", "cloudseal/keys", "cloudseal/ca", "cloudseal/ses", "cloudseal/pdf", "cloudseal/ofd", "cloudseal/impression", "cloudseal/status", "cloudseal/verify"},
	"cloudseal/cloudsealtest":    {"cloudseal/...", "authz/..."},

	"binding":             {"authz", "authz/registry", "authz/notify", "cloudseal/...", "qrflow"},
	"binding/client":      {"web/httpx/sign"},
	"binding/bindingtest": {"binding", "cloudseal/...", "qrflow", "authz/..."},

	// Transports: none imports another.
	"web/httpx":             {},
	"web/httpx/httpxtest":   {"web/httpx"},
	"web/httpx/sign":        {},
	"web/httpx/deviceproof": {"authz"},
	"web/ui":                {},
	"web/vendor":            {},
	"web/widget":            {"web/ui", "web/vendor", "web/httpx"},
	"web/public":            {"web/httpx", "web/ui", "web/vendor", "web/widget", "binding", "cloudseal/...", "qrflow", "authz"},
	"web/console":           {"web/httpx", "web/httpx/deviceproof", "web/ui", "binding", "cloudseal/...", "qrflow", "authz", "authz/..."},
	"qrflow/ws":             {"web/httpx", "qrflow"},
	"mobileapi":             {"web/httpx", "web/httpx/deviceproof", "binding", "cloudseal/...", "qrflow", "authz", "authz/..."},
	"mobileapi/client":      {"authz", "authz/statement", "authz/passkey"},
	"binding/api":           {"web/httpx", "web/httpx/sign", "binding", "cloudseal/...", "qrflow", "authz"},

	"cmd/...": {"..."},
}

// transportImports are the libraries of transports and stores: no domain
// imports them.
var transportImports = []string{
	"net/http", "database/sql", "github.com/gofiber/", "github.com/gorilla/", "github.com/valyala/",
	"go.mongodb.org/", "modernc.org/", "github.com/danielgtaylor/huma",
}

// transports may import them.
var transports = []string{
	"web/...", "qrflow/ws", "mobileapi/...", "binding/api", "binding/client", "cmd/...",
}

// testsOnly are packages that no binary links: only their own folder, tests,
// and the rooms listed import them.
var testsOnly = map[string][]string{
	"cmd/internal/store/engine/mongo/mongosim":  {"cmd/internal/store/engine/mongo/mongotest", "cmd/internal/store/storetest"},
	"cmd/internal/store/engine/mongo/mongotest": {"cmd/internal/store/storetest"},
	"cmd/internal/store/storetest":              {},
	"cmd/internal/store/engine/enginetest":      {},
}
