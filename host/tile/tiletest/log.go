// Package tiletest gives tests a transparency log in memory, made with
// golang.org/x/mod alone.
package tiletest

import (
	"crypto/ed25519"
	"crypto/rand"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Log is a log whose leaf data are hashes. It is not safe for concurrent use.
type Log struct {
	Key    checkpoint.Key
	Leaves []digest.Hash

	t       testing.TB
	private ed25519.PrivateKey
	stored  []tlog.Hash
}

// New returns an empty log with a key of its own.
func New(t testing.TB, origin string) *Log {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &Log{Key: checkpoint.Key{Name: origin, Kind: checkpoint.Ed25519, Raw: public}, t: t, private: private}
}

// Fork returns a log with the same key and the first n leaves.
func (l *Log) Fork(n int) *Log {
	return &Log{
		Key: l.Key, Leaves: slices.Clone(l.Leaves[:n]), t: l.t, private: l.private,
		stored: slices.Clone(l.stored[:tlog.StoredHashCount(int64(n))]),
	}
}

// Append adds leaves.
func (l *Log) Append(hs ...digest.Hash) {
	for _, h := range hs {
		more, err := tlog.StoredHashes(int64(len(l.Leaves)), h[:], l)
		l.check(err)
		l.Leaves, l.stored = append(l.Leaves, h), append(l.stored, more...)
	}
}

// Grow adds leaves of no event until there are n; seed makes them others.
func (l *Log) Grow(n int, seed byte) {
	for i := len(l.Leaves); i < n; i++ {
		l.Append(digest.Hash{seed, byte(i), byte(i >> 8), byte(i >> 16)})
	}
}

func (l *Log) check(err error) {
	if err != nil {
		l.t.Helper()
		l.t.Fatal(err)
	}
}

// ReadHashes is a tlog.HashReader.
func (l *Log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hs := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		hs[i] = l.stored[at]
	}
	return hs, nil
}

// Head returns the head of the first size leaves.
func (l *Log) Head(size int) checkpoint.Checkpoint {
	root, err := tlog.TreeHash(int64(size), l)
	l.check(err)
	return checkpoint.Checkpoint{Origin: l.Key.Name, Size: uint64(size), Root: digest.Hash(root)}
}

// Signed returns the signed checkpoint of the first size leaves.
func (l *Log) Signed(size int) []byte { return l.Sign(l.Head(size).Text()) }

// Sign returns a note with the log's signature.
func (l *Log) Sign(text string) []byte {
	b, err := note.Sign(&note.Note{Text: text}, signer{l})
	l.check(err)
	return b
}

type signer struct{ l *Log }

func (s signer) Name() string                    { return s.l.Key.Name }
func (s signer) KeyHash() uint32                 { return s.l.Key.ID() }
func (s signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.l.private, msg), nil }

// Consistency returns the proof from the tree of old leaves to that of size.
func (l *Log) Consistency(old, size int) []digest.Hash {
	proof, err := tlog.ProveTree(int64(size), int64(old), l)
	l.check(err)
	hs := make([]digest.Hash, len(proof))
	for i, h := range proof {
		hs[i] = digest.Hash(h)
	}
	return hs
}

// Tile returns the content of a tile or a bundle, nil where the tree has none.
func (l *Log) Tile(n tile.Name) []byte {
	if n.Level == tile.Entries {
		from, to := int(n.Number)*tile.Width, int(n.Number)*tile.Width+n.Width
		if n.Number > 1<<32 || to > len(l.Leaves) {
			return nil
		}
		return tile.AppendEntries(nil, l.Leaves[from:to])
	}
	leaves := uint64(1) << (8 * n.Level)
	if (n.Number*tile.Width+uint64(n.Width))*leaves > uint64(len(l.Leaves)) {
		return nil
	}
	b, err := tlog.ReadTileData(tlog.Tile{H: 8, L: n.Level, N: int64(n.Number), W: n.Width}, l)
	l.check(err)
	return b
}
