// Package cos reads the object syntax of PDF (ISO 32000-1 §7): objects,
// cross-reference tables and streams, hybrid files, object streams. It knows
// nothing of pages, forms or signatures.
//
// Three rules make it fit for files of strangers. It is lazy: an object is read
// when it is asked for, and once. It is bounded: nesting, objects, sections,
// inflated bytes and the work in total have limits with names (limits.go). And
// it never repairs: a file whose own tables do not lead to its objects is
// damaged, because two readers that guess may guess two documents.
//
// Every dictionary and array keeps its source text, so that a changed object is
// its own text with one value replaced (edit.go) and loses nothing.
package cos
