package archtest

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// AT-013: what is secret comes from crypto/rand. Another generator may only choose
// what is measured and
// scatter retries, and no random identifier of somebody else's library is taken
// for a secret.
func TestAT013SecretsComeFromTheSystem(t *testing.T) {
	scatter := []string{"cmd/internal/pagebench", "cmd/internal/store", "cmd/internal/store/engine/embedded"}
	found := 0
	for _, s := range sources(t) {
		if s.test || strings.HasSuffix(s.pkg, "test") {
			continue
		}
		for _, path := range imports(s) {
			switch {
			case path == "crypto/rand":
				found++
			case strings.HasPrefix(path, "math/rand") && !slices.Contains(scatter, s.pkg):
				t.Errorf("%s uses %s", s.path, path)
			case strings.Contains(path, "uuid"):
				t.Errorf("%s uses %s: a UUID is no secret", s.path, path)
			}
		}
	}
	if found == 0 {
		t.Error("nobody uses crypto/rand: the check looks in the wrong place")
	}
}

// secretName is what holds something that a stranger must not find out by time.
var secretName = regexp.MustCompile(`(?i)^(.*(token|mac|proof|match|verifier|pin|secret|resultcode|handle|digest|hmac))$`)

// AT-093: secrets are compared by functions of constant time, never by == or by
// one of the ordinary comparisons of bytes.
func TestAT093SecretsAreComparedInConstantTime(t *testing.T) {
	rooms := []string{"authz", "authz/onetime", "qrflow", "qrflow/ws", "binding", "binding/api", "mobileapi", "web/httpx", "web/httpx/sign", "cloudseal/keys"}
	constant := 0
	for _, s := range sources(t) {
		if s.test || !slices.Contains(rooms, s.pkg) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if (n.Op == token.EQL || n.Op == token.NEQ) && holdsSecret(n.X) && !isConstant(n.Y) {
					t.Errorf("%s: a secret is compared by %s", s.fset.Position(n.Pos()), n.Op)
				}
			case *ast.CallExpr:
				name := called(n)
				if name == "ConstantTimeCompare" || name == "equal" || name == "Equal" && len(n.Args) == 1 {
					constant++
				}
				if len(n.Args) == 2 && (name == "bytes.Equal" || name == "slices.Equal" || name == "strings.EqualFold") &&
					(holdsSecret(n.Args[0]) || holdsSecret(n.Args[1])) {
					t.Errorf("%s: a secret is compared by %s", s.fset.Position(n.Pos()), name)
				}
			}
			return true
		})
	}
	if constant < 8 {
		t.Errorf("only %d comparisons in constant time found: the check looks in the wrong place", constant)
	}
}

func holdsSecret(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return secretName.MatchString(e.Name)
	case *ast.SelectorExpr:
		return secretName.MatchString(e.Sel.Name)
	case *ast.CallExpr:
		return len(e.Args) == 1 && holdsSecret(e.Args[0]) // a conversion
	}
	return false
}

// isConstant reports what tells nothing: a literal, nil, an upper-case name
// without a variable part.
func isConstant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit, *ast.CompositeLit:
		return true
	case *ast.Ident:
		return e.Name == "nil"
	}
	return false
}

// called names the function of a call: "f", "m" of a method of one argument, or
// "pkg.F".
func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok && (x.Name == "bytes" || x.Name == "slices" || x.Name == "strings") {
			return x.Name + "." + f.Sel.Name
		}
		return f.Sel.Name
	}
	return ""
}
