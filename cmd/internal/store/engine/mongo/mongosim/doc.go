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
//	set.DropNext("commitTransaction", mongosim.DropAfter) // or any other Fault
//	set.Primary().StepDown()
//	set.Member(2).Kill() // also Shutdown, Restart, Pause, Resume, Cut, Heal, Hold, Release, Delay, Skew, Elect
//
// Options.Faults, or SetFaults, injects faults by seed: at once under load, or
// one in a step (Step) in a test that drives its actors one operation at a time
// and wants a seed to replay. Options.Weak takes a guarantee away, for tests of
// tests.
//
// How it works: a version of the database is a pointer to trees that are never
// changed (tree.go, database.go, index.go), every entry of the log (oplog.go)
// carries the version after it, and members share entries. So a snapshot, a
// stale secondary and a roll-back are each a choice of a pointer, and what must
// survive with a write (the record of a retried statement) is part of the
// version. All of it is under the lock of the set; who waits gives the lock away
// (conn.go). The files by what they own:
//
//	set.go member.go election.go oplog.go   the set, what tests do to members
//	wire.go conn.go dispatch.go concern.go  from message to answer
//	commands.go hello.go catalogue.go       which commands there are
//	write.go update.go modify.go txn.go     what changes documents
//	read.go plan.go match.go project.go aggregate.go expression.go
//	changestream.go event.go                what is told of changes
//	failpoint.go faults.go failure.go       what goes wrong
//	tree.go database.go index.go key.go path.go  documents and their order
//
// The package is for tests only; archtest refuses any other import.
package mongosim
