package sqlite

import "fmt"

// The schema. Sequence numbers are row ids, so that tables grow at their right
// edge and an index entry ends with the sequence for free.
//
// An event's way through the tables: events, pending and fresh when it is
// admitted; copies instead of fresh with the first news of a replica; owed for
// each replica that is still missing then; pending goes when nothing is owed.
// With two healthy replicas that is four inserts and two deletes of ranges,
// and no row per replica.
//
// Searching needs no index entry per event and filter: types, times, authors
// and parents of 512 events at a time are packed into one row of blocks, and
// posts says in which blocks a type, an author or a parent occurs. See block.go.
var migrations = []string{
	// 1
	`CREATE TABLE names (      -- small sets that rows refer to by number
		id   INTEGER PRIMARY KEY,
		kind INTEGER NOT NULL, -- 1 type, 2 replica, 3 set of replicas
		name TEXT NOT NULL,    -- of a set: the replicas' numbers, ascending, with commas
		code INTEGER NOT NULL, -- of a type: its on-chain code; else 0
		UNIQUE (kind, name, code)
	);
	CREATE TABLE settings (
		name  TEXT PRIMARY KEY,
		value BLOB NOT NULL
	);
	CREATE TABLE events (
		seq      INTEGER PRIMARY KEY,
		prefix   INTEGER NOT NULL, -- first 8 bytes of hash, big-endian, as two's complement
		hash     BLOB NOT NULL,
		digest   BLOB NOT NULL,    -- of the record
		type     INTEGER NOT NULL, -- names.id
		author   TEXT NOT NULL,    -- as the event spells it
		key      BLOB NOT NULL,    -- module.Meta.AuthorKey
		created  INTEGER NOT NULL, -- Unix seconds
		admitted INTEGER NOT NULL, -- Unix milliseconds
		parents  BLOB              -- hashes one after the other; NULL: none
	);
	-- A third of the size of an index on the hash itself. Not unique, because
	-- two hashes can be made to share 8 bytes: the writer compares all 32.
	CREATE INDEX events_prefix ON events (prefix);
	CREATE TABLE pending (
		seq    INTEGER PRIMARY KEY,
		record BLOB NOT NULL
	);
	CREATE TABLE fresh (        -- events of which no replica has reported
		seq INTEGER PRIMARY KEY,
		owed INTEGER NOT NULL   -- names.id of the set of replicas
	);
	CREATE TABLE copies (       -- copies that are not owed
		seq   INTEGER PRIMARY KEY,
		state BLOB NOT NULL     -- see copies.go
	);
	CREATE TABLE owed (
		seq      INTEGER NOT NULL,
		replica  INTEGER NOT NULL, -- names.id
		due      INTEGER NOT NULL, -- Unix milliseconds
		attempts INTEGER NOT NULL,
		error    TEXT NOT NULL,
		updated  INTEGER NOT NULL  -- Unix milliseconds
	);
	CREATE UNIQUE INDEX owed_seq ON owed (seq, replica);
	CREATE INDEX owed_due ON owed (replica, due);
	CREATE TABLE blocks (
		block   INTEGER PRIMARY KEY, -- events block*512+1 … block*512+512
		low     INTEGER NOT NULL,    -- least created
		high    INTEGER NOT NULL,    -- greatest
		types   BLOB NOT NULL,
		created BLOB NOT NULL,
		authors BLOB NOT NULL,
		parents BLOB NOT NULL
	);
	CREATE INDEX blocks_time ON blocks (block, low, high);
	CREATE TABLE posts (
		term  INTEGER NOT NULL, -- keyed digest of a type, an author or a parent
		block INTEGER NOT NULL,
		PRIMARY KEY (term, block)
	) WITHOUT ROWID;
	INSERT INTO settings VALUES ('term key', randomblob(32));`,
	// 2
	`CREATE TABLE places (          -- what stands behind the numbers of replicas
		replica  INTEGER PRIMARY KEY,  -- names.id
		name     TEXT NOT NULL,        -- that it is bound to; '': none, and nothing of it counts
		identity TEXT NOT NULL,        -- '': none is known
		after    INTEGER NOT NULL,     -- the arrears: events after this one
		upto     INTEGER NOT NULL,     -- and up to this one; 0: none
		why      TEXT NOT NULL,        -- there are any
		mounted  INTEGER NOT NULL      -- it was a disk of its own
	);
	INSERT INTO places SELECT id, name, '', 0, 0, '', 0 FROM names WHERE kind = 2;
	ALTER TABLE owed ADD COLUMN state INTEGER NOT NULL DEFAULT 1; -- custody.State
	CREATE TABLE lost (             -- events that are custody.Lost
		seq INTEGER PRIMARY KEY
	);
	INSERT INTO settings VALUES ('epoch', randomblob(8));
	INSERT INTO settings VALUES ('id', randomblob(16));`,
	// 3, 4, 5: one tree each, because SQLite moves pages out of the way of a new
	// one, and could not find again what the same transaction had put there.
	`CREATE TABLE tiles (           -- of the transparency log, those that SwapHead kept
		id     INTEGER PRIMARY KEY,    -- level * 2^56 + number
		hashes BLOB NOT NULL
	);`,
	`CREATE TABLE reserved (        -- numbers of events that are not there
		seq    INTEGER PRIMARY KEY,
		prefix INTEGER NOT NULL,       -- as in events, 0 without a hash
		hash   BLOB NOT NULL           -- empty: a rebuild could not read the event
	);`,
	`CREATE INDEX reserved_prefix ON reserved (prefix);`,
	// 6 … 12: one tree each again.
	`CREATE TABLE anchors (         -- what was put on a chain: journal.Post
		id         INTEGER PRIMARY KEY,
		kind       INTEGER NOT NULL,   -- journal.PostKind
		number     INTEGER NOT NULL,
		size       INTEGER NOT NULL,
		root       BLOB NOT NULL,
		events     BLOB NOT NULL,      -- sequence numbers, unsigned varints
		state      INTEGER NOT NULL,   -- journal.PostState
		reason     TEXT NOT NULL,
		tx         BLOB,               -- NULL: not known
		signatures TEXT NOT NULL,      -- a JSON array
		expires    INTEGER NOT NULL,   -- this and the other times: Unix milliseconds, 0: none
		block      INTEGER NOT NULL,
		block_id   BLOB NOT NULL,
		block_time INTEGER NOT NULL,
		submitted  INTEGER NOT NULL,
		final      INTEGER NOT NULL
	);`,
	`CREATE UNIQUE INDEX anchors_number ON anchors (kind, number);`,
	`CREATE INDEX anchors_open ON anchors (kind, number) WHERE state <> 3;`,
	`CREATE INDEX anchors_cover ON anchors (size) WHERE kind = 1 AND state = 3 AND tx IS NOT NULL;`,
	`CREATE TABLE anchored (        -- events that are in posts, which follows from anchors
		seq  INTEGER PRIMARY KEY,
		post INTEGER NOT NULL,         -- number of the post
		at   INTEGER NOT NULL          -- number of the event
	);`,
	`CREATE TABLE passed (          -- events that are to be anchored later
		seq INTEGER PRIMARY KEY
	);`,
	`CREATE TABLE waived (          -- events that a place has not, or under another signature, and is not owed
		seq INTEGER PRIMARY KEY
	);
	INSERT INTO settings SELECT 'unwatched', coalesce(max(seq), 0) FROM events; -- up to which waived may lack some`,
}

// From which schema on there are such tables.
const (
	tilesSchema    = 3
	reservedSchema = 4
	anchorSchema   = 10 // anchors and anchored
	passedSchema   = 11
	waivedSchema   = 12
)

// migrate brings the schema to the newest version, each step in a transaction
// of its own. A newer file than this program knows is refused.
func migrate(c *conn) error { return migrateTo(c, len(migrations)) }

func migrateTo(c *conn, newest int) error {
	version, err := schemaVersion(c)
	if err != nil {
		return err
	}
	if version > len(migrations) {
		return fmt.Errorf("the file has schema %d, this program knows up to %d", version, len(migrations))
	}
	for ; version < newest; version++ {
		script := fmt.Sprintf("BEGIN IMMEDIATE;\n%s\nPRAGMA user_version = %d;\nCOMMIT;", migrations[version], version+1)
		if err := c.script(script); err != nil {
			_ = c.script(`ROLLBACK`) // the error that counts is the first
			return fmt.Errorf("to schema %d: %w", version+1, err)
		}
	}
	return nil
}
