package mongo_test

import (
	"errors"
	"testing"

	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
)

// What servers say when another came first, or when the moment of a transaction
// is no longer or not yet good: the unit runs again. Texts and codes are those of
// MongoDB 6.0 to 8.0 (error_codes.yml; the planner's words about hints).
func TestFate(t *testing.T) {
	t.Parallel()
	transient := []string{"TransientTransactionError"}
	for name, c := range map[string]struct {
		err   driver.CommandError
		again bool
	}{
		"write conflict":                  {driver.CommandError{Code: 112, Labels: transient}, true},
		"no such transaction":             {driver.CommandError{Code: 251, Labels: transient}, true},
		"lock not had":                    {driver.CommandError{Code: 24, Labels: transient}, true},
		"reaped while a command ran":      {driver.CommandError{Code: 290, Message: "transaction exceeded its lifetime limit"}, true},
		"a moment before an index":        {driver.CommandError{Code: 246}, true},
		"a moment before an index, 6.0":   {driver.CommandError{Code: 2, Message: "error processing query: planner returned error: hint provided does not correspond to an existing index"}, true},
		"another bad value":               {driver.CommandError{Code: 2, Message: "unknown operator: $nope"}, false},
		"a command it does not know":      {driver.CommandError{Code: 59}, false},
		"a primary that is one no longer": {driver.CommandError{Code: 10107, Labels: transient}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := mongo.Fate(c.err); errors.Is(err, unit.ErrConflict) != c.again {
				t.Errorf("%v", err)
			}
		})
	}
}
