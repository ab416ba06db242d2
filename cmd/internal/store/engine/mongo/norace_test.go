//go:build !race

package mongo_test

// Steps of the random tests. Under faults there are fewer: after each election the
// driver's monitors take half a second to find the new primary.
const (
	steps      = 10_000
	faultSteps = 3_000
)
