// Package audit owns the records of who did what, and the hash chain that
// shows when one of them was changed, removed or slipped in.
//
// A record is written in the transaction of the act it tells of ([Log.Write]):
// no act without its record, no record without its act. It is chained
// afterwards by one background job ([Log.Sequence]), so that acts do not queue
// behind one row:
//
//	hash(n) = SM3( hash(n-1) ‖ canonical bytes of record n ),  hash(0) = 32 zero bytes
//
// The numbers of a chain start at 1 and have no holes. A record that commits
// late is chained late: the chain follows commits, At tells the time.
// [Log.Verify] walks the chain. It proves that what is there is untouched; that
// nothing was cut off at the end is shown by comparing its result with a head
// that was kept outside.
//
// Records hold identifiers, hashes and codes. Names, numbers of persons, phone
// numbers and secrets do not belong here: the evidence itself is kept
// elsewhere and can be deleted, its hash stays.
//
// The table needs two indexes: unique "chain+seq" over the rows with chained =
// true, and plain "chained+at" over the others.
package audit
