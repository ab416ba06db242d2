// Package store is the domains' storage, written once over an engine: typed
// tables with encrypted fields ([Declare]), units of work that run again when
// they lost a race ([Work]), blobs ([Blobs]) and the sweeping of what has lapsed;
// and, since several nodes may work on one store, leases with fences for work
// that one of them does ([Leases]), what a store says of itself (Mark), and the
// move from one store to another ([Move]). It owns how entities become
// documents; it owns no rule of any domain and no database.
//
// # Fields
//
// An entity is a struct whose first field is unit.Row, inlined. Its other
// fields are stored under their bson tags. A field of the struct itself with a
// tag enc:"class" is stored as SM4-GCM of its BSON type and value: under a key
// derived for this row from the key of the class, with collection, id and
// field name as additional data, so that no sealed value can be read in the
// place of another. Such a field cannot be in an index.
//
// # Trust
//
// Who can read the database sees ids, states, times, keyed hashes and the
// names of organizations; not personal data, statements or documents. Who can
// write to it can put old rows back and take rows away: what must not be
// undone so is guarded elsewhere (the signer's journal, the audit chain).
package store
