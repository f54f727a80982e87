// Package receipttest gives tests a log over a journal that is up to date
// whenever it is asked, with the keys of a host.
package receipttest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/receipt"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Log is one. Its methods are safe for concurrent use.
type Log struct {
	t       testing.TB
	journal journal.Journal
	module  *module.Pool
	k1      module.KeyPair
	private ed25519.PrivateKey
	log     checkpoint.Key // Ed25519
	host    checkpoint.Key // K1

	mu     sync.Mutex
	refuse error
}

// New returns the log of an origin over a journal's order, with fresh keys.
func New(t testing.TB, j journal.Journal, origin string) *Log {
	p := moduletest.Open(t)
	l := &Log{t: t, journal: j, module: p}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	l.private = private
	l.log = checkpoint.Key{Name: origin, Kind: checkpoint.Ed25519, Raw: public}
	if l.k1, err = p.GenerateKey(context.Background(), "K1"); err != nil {
		t.Fatal(err)
	}
	point, _, err := p.ParsePublic(context.Background(), l.k1.Public)
	if err != nil {
		t.Fatal(err)
	}
	l.host = checkpoint.Key{Name: origin, Raw: point[1:]}
	return l
}

// Key returns the vkey of the log.
func (l *Log) Key() string { return l.log.String() }

// K1 returns the host's key.
func (l *Log) K1() module.KeyPair { return l.k1 }

// Keys returns the trust text of the host, as /log/keys has it.
func (l *Log) Keys() string { return l.Key() + "\n" + l.k1.Public + "\n" }

// Signer returns what signs the host's receipts.
func (l *Log) Signer() *receipt.Signer { return receipt.NewSigner(l.module, l, l.k1.Private) }

// Refuse has Vouch and Prove fail with err; nil ends that.
func (l *Log) Refuse(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = err
}

// Vouch implements receipt.Log.
func (l *Log) Vouch(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refuse
}

// Prove implements api.Prover.
func (l *Log) Prove(ctx context.Context, sequence uint64) ([]byte, error) {
	if err := l.Vouch(ctx); err != nil {
		return nil, err
	}
	entries, err := l.journal.Scan(ctx, 0, journal.MaxPage)
	if err != nil {
		return nil, err
	}
	var hs []digest.Hash
	for _, e := range entries {
		hs = append(hs, e.Hash)
	}
	return l.ProveOf(hs, sequence)
}

// ProveOf returns the tlog-proof of a number in the log of these events.
func (l *Log) ProveOf(hs []digest.Hash, sequence uint64) ([]byte, error) {
	if sequence == 0 || sequence > uint64(len(hs)) {
		return nil, fmt.Errorf("the log has %d events", len(hs))
	}
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, a := range at {
			out[i] = stored[a]
		}
		return out, nil
	})
	for i, h := range hs {
		more, err := tlog.StoredHashes(int64(i), h[:], read)
		if err != nil {
			return nil, err
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(int64(len(hs)), read)
	if err != nil {
		return nil, err
	}
	path, err := tlog.ProveRecord(int64(len(hs)), int64(sequence-1), read)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "c2sp.org/tlog-proof@v1\nindex %d\n", sequence-1)
	for _, h := range path {
		fmt.Fprintf(&b, "%s\n", base64.StdEncoding.EncodeToString(h[:]))
	}
	b.WriteByte('\n')
	note, err := l.sign(checkpoint.Checkpoint{Origin: l.log.Name, Size: uint64(len(hs)), Root: digest.Hash(root)})
	b.Write(note)
	return b.Bytes(), err
}

// sign returns the checkpoint's note with the host's two lines.
func (l *Log) sign(c checkpoint.Checkpoint) ([]byte, error) {
	text := c.Text()
	sum := sha256.Sum256([]byte(text))
	signature, err := l.module.SignDigest(context.Background(), sum, l.k1.Private)
	if err != nil {
		return nil, err
	}
	_, compact, err := l.module.ParseSignature(context.Background(), signature)
	if err != nil {
		return nil, err
	}
	line := func(k checkpoint.Key, sig []byte) string {
		return fmt.Sprintf("— %s %s\n", k.Name, base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, k.ID()), sig...)))
	}
	return []byte(text + "\n" + line(l.log, ed25519.Sign(l.private, []byte(text))) + line(l.host, compact[:])), nil
}
