// Package mongosim is a simulated MongoDB replica set for tests. It speaks the
// wire protocol on loopback ports to the real driver, so that discovery,
// pooling, sessions, retries and cursors are the driver's own; behind the ports
// are members with logs, terms and elections, a majority commit point,
// roll-back, snapshot-isolated transactions, retryable writes, indexes and
// change streams. TABLE.md says what is imitated, with the page of MongoDB's
// documentation each row comes from, and what is not: whatever is not
// imitated is refused by name, never ignored.
//
//	set, err := mongosim.Start(mongosim.Options{Seed: 7})
//	defer set.Close()
//	client, err := mongo.Connect(options.Client().ApplyURI(set.URI()))
//	…
//	set.DropNext("commitTransaction", mongosim.DropAfter)
//	set.Primary().StepDown()
//	set.Member(2).Kill()      // also Restart, Pause, Resume, Cut, Heal, Hold, Release, Delay, Skew
//
// Options.Faults injects faults by seed. Options.Weak takes a guarantee away,
// for tests of tests.
//
// The package is for tests only; archtest refuses any other import.
package mongosim
