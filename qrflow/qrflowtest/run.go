package qrflowtest

import "testing"

// Run runs the whole suite over stores that open makes, one for each test.
func Run(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, Opener){
		"PlayThrough": testPlayThrough,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}
