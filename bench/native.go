package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/eoscanada/eos-go/ecc"
	"github.com/gowebpki/jcs"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/reference"
	"github.com/eventseal/eventseal/wasm"
	"github.com/eventseal/eventseal/wasm/event"
)

// A task is one operation, timed in turns with the others.
type task struct {
	section, name string
	run           func() error
	each          int // operations that one run is; 0: one
	bars          []bar
}

const (
	decredVerify = "decred: bare ECDSA verify, native"
	jcsName      = "jcs.Transform + SHA-256, native"
	slice        = 12 * time.Millisecond // that a task runs in each round
)

// goRows measures the module in wazero's compiler, and native Go.
func goRows(o options) ([]row, error) {
	ctx := context.Background()
	pool, err := module.Open(ctx, module.Config{Instances: 1})
	if err != nil {
		return nil, err
	}
	defer pool.Close(ctx)
	tasks, err := goTasks(ctx, pool)
	if err != nil {
		return nil, err
	}
	best := make([]time.Duration, len(tasks)) // per operation
	for round := -1; round < o.rounds; round++ {
		for i, t := range tasks {
			began, n := time.Now(), 0
			for time.Since(began) < slice {
				if err := t.run(); err != nil {
					return nil, fmt.Errorf("%s: %w", t.name, err)
				}
				n += max(t.each, 1)
			}
			if each := time.Since(began) / time.Duration(n); round >= 0 && (best[i] == 0 || each < best[i]) {
				best[i] = each
			}
		}
	}
	var rows []row
	for i, t := range tasks {
		rows = append(rows, row{section: "In Go: " + t.section, name: t.name, value: float64(best[i].Nanoseconds()) / 1000, unit: microseconds, bars: t.bars})
	}
	size, err := gzipped(wasm.Module)
	if err != nil {
		return nil, err
	}
	rows = append(bySection(rows), row{section: "The module's file", name: "gzip -9", value: float64(size), unit: bytesUnit, bars: []bar{{value: 100000}}})
	cold, warm, err := starts(ctx)
	if err != nil {
		return nil, err
	}
	return append(rows,
		row{section: "The module's file", name: "compiled by wazero, nothing cached, first verdict", value: cold, unit: milliseconds},
		row{section: "The module's file", name: "from wazero's cache, first verdict", value: warm, unit: milliseconds}), nil
}

// goTasks are over 64 events of 1 KB by 64 authors.
func goTasks(ctx context.Context, pool *module.Pool) ([]task, error) {
	records, keys, err := sampleEvents(ctx, pool, 64)
	if err != nil {
		return nil, err
	}
	record := records[0]
	v, err := pool.Verify(ctx, record)
	if err != nil {
		return nil, err
	}
	preimage, hash, err := pool.Hash(ctx, record)
	if err != nil {
		return nil, err
	}
	var next int
	each := func(f func(record []byte) error) func() error {
		return func() error {
			next++
			return f(records[next%len(records)])
		}
	}

	scalar := decred.PrivKeyFromBytes(bytes.Repeat([]byte{0x2a}, 32))
	digest := sha256.Sum256(preimage)
	bare := ecdsa.Sign(scalar, digest[:])
	public := scalar.PubKey()
	eosPrivate, err := ecc.NewPrivateKey("5JLxoeRoMDGBbkLdXJjxuh3zHsSS7Lg6Ak9Ft8v8sSdYPkFuABF")
	if err != nil {
		return nil, err
	}
	eosSigned, err := eosPrivate.Sign(digest[:])
	if err != nil {
		return nil, err
	}
	eosPublic := eosPrivate.PublicKey()

	parser, found := &event.Parser{}, &event.Event{}
	no := func(ok bool) error {
		if !ok {
			return fmt.Errorf("it does not work")
		}
		return nil
	}
	const verify, sign, canonicalize = "verify", "sign", "canonicalize+sha256"
	return []task{
		{section: verify, name: "module in wazero: a batch of 64, per event", each: 64, bars: []bar{{decredVerify, 1}}, run: func() error {
			results, err := pool.VerifyBatch(ctx, records)
			for i := range results {
				if err == nil {
					err = results[i].Err
				}
			}
			return err
		}},
		{section: verify, name: "module in wazero: one event", run: each(func(r []byte) error { _, err := pool.Verify(ctx, r); return err })},
		{section: verify, name: "the module's packages, native: one event", run: each(func(r []byte) error { return no(parser.Verify(r, found) == 0) })},
		{section: verify, name: "the second opinion (jcs, eos-go), native: one event", run: each(func(r []byte) error { _, err := reference.Verify(r, reference.Options{}); return err })},
		{section: verify, name: decredVerify, run: func() error { return no(bare.Verify(digest[:], public)) }},
		{section: verify, name: "eos-go: bare ECDSA verify, native", run: func() error { return no(eosSigned.Verify(digest[:], eosPublic)) }},

		{section: sign, name: "module in wazero: a digest", run: func() error { _, err := pool.SignDigest(ctx, hash, keys[0].Private); return err }},
		{section: sign, name: "decred: SignCompact, native (no EOS-canonical retries)", run: func() error { return no(len(ecdsa.SignCompact(scalar, digest[:], true)) == 65) }},
		{section: sign, name: "eos-go: Sign, native", run: func() error { _, err := eosPrivate.Sign(digest[:]); return err }},

		{section: canonicalize, name: "module in wazero: the event checked, preimage and record hashed", run: each(func(r []byte) error { _, _, err := pool.Hash(ctx, r); return err })},
		{section: canonicalize, name: "the module's packages, native: the same", run: each(func(r []byte) error { return no(parser.Name(r, found) == 0) })},
		{section: canonicalize, name: jcsName, run: func() error {
			out, err := jcs.Transform(v.Record())
			sum := sha256.Sum256(out)
			return firstError(err, no(sum == v.Meta().RecordDigest))
		}},
	}, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// starts times what a host needs until the first verdict, in milliseconds:
// without a compilation cache, and with one.
func starts(ctx context.Context) (cold, warm float64, err error) {
	dir, err := scratch()
	if err != nil {
		return 0, 0, err
	}
	defer dir.remove()
	one := func(c module.Config) (float64, error) {
		began := time.Now()
		pool, err := module.Open(ctx, c)
		if err != nil {
			return 0, err
		}
		defer pool.Close(ctx)
		if _, err := pool.Canonicalize(ctx, []byte(`{}`)); err != nil {
			return 0, err
		}
		return float64(time.Since(began).Microseconds()) / 1000, nil
	}
	if cold, err = one(module.Config{CacheDir: dir.path}); err != nil {
		return 0, 0, err
	}
	for range 5 {
		t, err := one(module.Config{CacheDir: dir.path})
		if err != nil {
			return 0, 0, err
		}
		if warm == 0 || t < warm {
			warm = t
		}
	}
	return cold, warm, nil
}

func gzipped(b []byte) (int, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	_, err = w.Write(b)
	if err = firstError(err, w.Close()); err != nil {
		return 0, err
	}
	return out.Len(), nil
}
