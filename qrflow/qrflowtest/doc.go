// Package qrflowtest is what every store must hold for package qrflow: a
// conformance suite over tables, units of work and a clock ([Run]), and the
// actors it plays with ([World]), which tests of neighbours may use too. It
// owns no rule.
package qrflowtest
