package embedded

// format is the version of the tables; a file of another version is refused.
const format = 1

const schema = `
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS meta(
	one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL, last INTEGER NOT NULL, next INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS collections(
	id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, outbox INTEGER NOT NULL, lost INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS indexes(
	id INTEGER PRIMARY KEY, coll INTEGER NOT NULL, name TEXT NOT NULL, declared TEXT NOT NULL, UNIQUE (coll, name)) STRICT;
CREATE TABLE IF NOT EXISTS docs(
	n INTEGER PRIMARY KEY, coll INTEGER NOT NULL, id TEXT NOT NULL, doc BLOB NOT NULL, UNIQUE (coll, id)) STRICT;
CREATE TABLE IF NOT EXISTS entries(
	ix INTEGER NOT NULL, key BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (ix, key)) STRICT, WITHOUT ROWID;
INSERT INTO meta(one, format, last, next) VALUES (1, 1, 0, 1) ON CONFLICT DO NOTHING;
COMMIT;
`

// stmtKind names a prepared statement.
type stmtKind int

const (
	begin stmtKind = iota
	beginRead
	commit
	rollback
	savepoint
	release
	undo
	getMeta
	setMeta
	findDoc
	insertDoc
	updateDoc
	deleteDoc
	insertEntry
	deleteEntry
	ownerOf
	scanUp
	scanDown
	idsUp
	idsDown
	follow
	countEntries
	listCollections
	addCollection
	setLost
	getLost
	listIndexes
	addIndex
	dropIndex
	dropEntries
	quickCheck
	stmtKinds
)

// statements in full, each with the number of its columns.
var statements = [stmtKinds]struct {
	sql     string
	columns int
}{
	begin:     {"BEGIN IMMEDIATE", 0},
	beginRead: {"BEGIN", 0},
	commit:    {"COMMIT", 0},
	rollback:  {"ROLLBACK", 0},
	savepoint: {"SAVEPOINT unit", 0},
	release:   {"RELEASE unit", 0},
	undo:      {"ROLLBACK TO unit", 0},

	getMeta: {"SELECT format, last, next FROM meta", 3},
	setMeta: {"UPDATE meta SET last = ?, next = ?", 0},

	findDoc:   {"SELECT n, doc FROM docs WHERE coll = ? AND id = ?", 2},
	insertDoc: {"INSERT INTO docs(n, coll, id, doc) VALUES (?, ?, ?, ?)", 0},
	updateDoc: {"UPDATE docs SET doc = ? WHERE n = ?", 0},
	deleteDoc: {"DELETE FROM docs WHERE n = ?", 0},

	insertEntry: {"INSERT INTO entries(ix, key, n) VALUES (?, ?, ?)", 0},
	deleteEntry: {"DELETE FROM entries WHERE ix = ? AND key = ?", 0},
	ownerOf:     {"SELECT d.n, d.id FROM entries e JOIN docs d ON d.n = e.n WHERE e.ix = ? AND e.key = ?", 2},

	scanUp: {"SELECT d.n, d.doc FROM entries e JOIN docs d ON d.n = e.n" +
		" WHERE e.ix = ? AND e.key >= ? AND e.key < ? ORDER BY e.key LIMIT ?+0", 2},
	scanDown: {"SELECT d.n, d.doc FROM entries e JOIN docs d ON d.n = e.n" +
		" WHERE e.ix = ? AND e.key >= ? AND e.key < ? ORDER BY e.key DESC LIMIT ?+0", 2},
	idsUp:   {"SELECT n, doc FROM docs WHERE coll = ? AND id > ? ORDER BY id LIMIT ?+0", 2},
	idsDown: {"SELECT n, doc FROM docs WHERE coll = ? AND id < ? ORDER BY id DESC LIMIT ?+0", 2},
	follow: {"SELECT d.n, d.doc FROM entries e JOIN docs d ON d.n = e.n" +
		" WHERE e.ix = ? AND e.key > ? ORDER BY e.key LIMIT ?+0", 2},
	countEntries: {"SELECT count(*) FROM entries WHERE ix = ?", 1},

	listCollections: {"SELECT id, name, outbox FROM collections", 3},
	addCollection:   {"INSERT INTO collections(name, outbox, lost) VALUES (?, ?, 0)", 0},
	setLost:         {"UPDATE collections SET lost = max(lost, ?) WHERE id = ?", 0},
	getLost:         {"SELECT lost FROM collections WHERE id = ?", 1},
	listIndexes:     {"SELECT id, name, declared FROM indexes WHERE coll = ?", 3},
	addIndex:        {"INSERT INTO indexes(coll, name, declared) VALUES (?, ?, ?)", 0},
	dropIndex:       {"DELETE FROM indexes WHERE id = ?", 0},
	dropEntries:     {"DELETE FROM entries WHERE ix = ?", 0},

	quickCheck: {"PRAGMA quick_check(1)", 1},
}
