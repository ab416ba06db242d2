// Package embedded keeps collections of BSON documents in one SQLite file
// (modernc, no cgo): the default store, which needs no set-up. It implements
// the port of package engine and owns the file, its lock and its clock floor.
//
// # Files
//
//	store.db, -wal, -shm   SQLite in WAL mode, synchronous=FULL
//	store.lock             held by the one process that uses the folder
//
// # Tables
//
//	meta         one row: format, latest time given to a unit, next row number
//	collections  the declared collections
//	indexes      the declared indexes, each with what it was declared as
//	docs         n, collection, id, document; n grows in the order of commits
//	entries      index, key, n: the indexes, as strings of bytes in order
//
// Indexes are tables of our own and not SQLite's because the order of BSON
// values is not SQLite's, and because one pair of tables for all collections
// needs a dozen prepared statements and no SQL made at run time.
//
// # Writing
//
// There is one connection that writes. Units take their turn at it in the
// order they came; each runs inside a savepoint, and those that waited while
// one ran join its transaction. The last of them commits for all, and only
// then does any Update return: one flush of the disk for many units. An error
// waits as well, since it may rest on what a neighbour wrote. After a commit
// whose outcome is unknown (the disk failed) the store refuses to go on until
// it is opened again.
//
// Views read on connections of their own and never wait for the writer.
package embedded
