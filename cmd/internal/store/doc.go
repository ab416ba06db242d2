// Package store is where the domains' entities live: typed tables (unit.Table)
// and units of work (unit.Work), written once over any engine, with the fields
// that must not be readable at rest encrypted.
//
// It owns how an entity becomes a document and back. What the entities mean is
// the domains'; how documents are kept is the engine's.
package store
