// Package mongo keeps collections of BSON documents in MongoDB (6.0 to 8.x, a
// replica set or a sharded cluster) through the official driver: the store of
// many machines. It implements the port of package engine, and a bucket of
// blobs. It owns how units become transactions; it owns no rule.
//
//	open.go      options, connection, closing
//	diagnose.go  what is wrong with a server, in words an operator can act on
//	declare.go   collections and indexes, made at start
//	unit.go      Update and View: how a unit runs
//	read.go      Get, the unit's time, what is fetched together
//	find.go      Find: one index, in its order
//	write.go     Insert, Replace, Delete: kept until they must be sent
//	send.go      how they are sent
//	commit.go    commit, and the commit whose answer was lost
//	failure.go   what an error of the driver means for a unit
//	clock.go     the store's time
//	follow.go    an outbox, by a change stream
//	queries.go   every query that is sent, and the index it uses
//	blobs.go     write-once blobs in chunks
//	sweep.go     what a crash leaves of them
//
// # Units
//
// An Update is a transaction: read concern snapshot, write concern majority
// with journal, primary only. Reads go to the server when they are asked for.
// Writes are kept and sent together, in their order, when the function has
// returned or when it lists an index of a collection it has written to. What
// the unit reads by id it sees under its own writes. So a unit costs
//
//	1  the first read, which also gives the time, and whatever Fetch names
//	n  every further Get or Find of something that was not read yet
//	1  all writes (MongoDB 8.0 and later: one bulkWrite over all collections;
//	   before it: one insert, update or delete for each run of a kind in a
//	   collection)
//	1  commit
//
// A Replace or Delete of a row that the unit has not read reads it first, so
// that it can say at once what it has to say. Only an Insert, or a Replace that
// brings a unique value, can turn out to be refused later, when the writes are
// sent: then the transaction is undone and the function runs once more, with
// every write sent at once, and gets unit.ErrTaken from the very call that
// caused it. The functions of units can run again anyway.
//
// A View is a session of snapshot reads on the primary: one majority-committed
// moment, no transaction, nothing to commit.
//
// # Errors
//
// A write conflict, or whatever the driver labels TransientTransactionError, is
// unit.ErrConflict: the caller runs the unit again. A commit whose answer is
// lost (UnknownTransactionCommitResult, or the caller's context ends under it)
// is asked for again, on the same transaction, until the server knows; when
// the server says that it knows no such transaction, one of the written rows is
// read (linearizable) to settle it: it is as the unit wrote it, or another unit
// has written this version or has yet to. If it is further on, or no server
// answers for [Options].CommitPatience, Update gives engine.ErrUnknown: it neither
// happened nor did not, and the caller must say so.
//
// A transaction reads from the primary's newest state, which only its commit with
// majority confirms (manual, "Read Concern snapshot"): a unit that fails may have
// seen rows that were rolled back.
//
// # Time
//
// The time of a unit is $$NOW of its first read, in whole milliseconds. It
// never goes back on one node: each node keeps the highest it has seen. Over a
// change of the primary it is kept from going back by the cluster time, which
// every reply carries and which never goes back: if the new primary's clock is
// behind it, the cluster time is taken. That has whole seconds, so that two
// units on different nodes, one on each side of a fail-over between machines
// whose clocks differ, may be out of order by less than one second. It moves with
// what is committed: behind a unit that only read, and nothing of anybody since,
// the next one may be behind by what the clocks differ.
//
// # Indexes
//
// A declared index becomes an index of the collection, named by what it is, so
// that a changed declaration is another index and nodes of the old and of the
// new program work side by side. Nothing is ever dropped; [Engine.Retired] lists
// what no declaration wants any more. A plain index gets "_id" behind its
// fields, which makes the order of equal rows part of it. Every list is read
// with a hint that names its index; where it resumes in the midst of one, with
// the bounds min and max, which (unlike $gt) go on from one kind of value to
// the next, as the order of the port does. Lists that Fetch names are part of a
// $lookup, which takes no hint: there they fix the first fields of an index, and
// the planner chooses among those that begin so.
//
// # Outbox
//
// Follow is a change stream on the collection, inserts only, resumed behind a
// token: a Position is that token. It delivers in the order of commits what a
// majority has, and nothing else. The outbox can be followed as far back as
// the oplog reaches (keep 24 hours); before that it is engine.ErrHistoryLost.
//
// # Sharding
//
// On a sharded cluster everything works with all collections on one shard, and
// most belong there: an approval writes to sixteen collections, a stamp to six,
// and a transaction on one shard commits with one answer, on two in two phases.
// What holds most of the bytes is outside of those transactions, or written
// alone, and worth spreading. A unique index must begin with the shard key, and
// what is read by id is found on one shard only when the id is the key:
//
//	collection   key              one shard answers      all are asked for
//	yz_chunks    {_id: 1}         every read             nothing (most of all bytes; an upload's name, which the ids begin with, is random)
//	yz_blobs     {_id: "hashed"}  every read             pages of names, for a move
//	increments   {_id: "hashed"}  every read             nothing (what a stamp will add to a file)
//	sealEvents   {seal: 1}        a seal's history       nothing; its unique index begins with the key
//
// The rest stays on one shard:
//
//	tickets events approvals intents documents evidence preparations slots audit
//	notices idempotency bindings seals delegations memberships orgs devices apps
//	pages: written by an approval or a stamp together. Those up to audit get a row
//	or some with every stamp, a few KB in all, and are read by id and by another
//	field in one transaction; what is old is exported, and so far not removed.
//
//	journal keys texts approvals stops: the signer's, in its own database, which
//	can be on a shard of its own; journal, texts and approvals grow with every
//	stamp.
//
//	people acts operators invitations enrolments presences nonces spent codes
//	tallies windows tells seconds appKeys applications certs counters leases marks
//	yz_uploads yz_anchor: some millions of rows in a province, or swept.
//
// Below MongoDB 8.0 a $lookup in a transaction cannot read a sharded
// collection: behind a mongos of 6 or 7 nothing is fetched together. No sharded
// cluster has judged any of this; the simulated set has none.
package mongo
