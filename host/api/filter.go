package api

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"crypto/sha256"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Parameters of queries and of the stream that choose events.
var (
	choosing = []string{"type", "author", "parent"}
	timing   = []string{"since", "until"}
)

// filter reads the parameters that choose events. A key is found in any of its
// spellings, because the module says which key each of them is.
func (s *Server) filter(ctx context.Context, p parameters) (f journal.Filter, err error) {
	if f.Types, err = p.many("type"); err != nil {
		return f, err
	}
	for _, t := range f.Types {
		if !slices.ContainsFunc(s.o.Module.Types(), func(known module.Type) bool { return known.Name == t }) {
			return f, &code.Error{Code: code.UnknownType, Detail: fmt.Sprintf("%s is not registered; /v1/types lists those that are", quoted(t))}
		}
	}
	authors, err := p.many("author")
	if err != nil {
		return f, err
	}
	for _, a := range authors {
		if len(a) > 200 {
			return f, invalid("author", "a public key")
		}
		key, _, err := s.o.Module.ParsePublic(ctx, a)
		if err != nil {
			return f, err
		}
		f.Authors = append(f.Authors, key)
	}
	parents, err := p.many("parent")
	if err != nil {
		return f, err
	}
	for _, t := range parents {
		h, ok := digest.ParseHash(t)
		if !ok {
			return f, invalid("parent", "64 lower-case hex digits")
		}
		f.Parents = append(f.Parents, h)
	}
	for name, to := range map[string]**uint64{"since": &f.Since, "until": &f.Until} {
		if p.Has(name) {
			n, err := p.number(name, 0, 0, maxSafe)
			if err != nil {
				return f, err
			}
			*to = &n
		}
	}
	return f, nil
}

// A cursor says where the next page begins and of which query it is the next
// page: with other filters, or the other order, it means nothing. It is no
// secret and holds no rights; it stands as long as the epoch does, restarts
// included.
const (
	cursorVersion = 2
	cursorSize    = 1 + 8 + 8 + 8 // version, epoch, sequence, fingerprint; big-endian
)

// fingerprint names what f chooses, whatever the order of its values. Where a
// page begins and how long it is are not part of it.
func fingerprint(f *journal.Filter) uint64 {
	h := sha256.New()
	list := func(values ...string) {
		slices.Sort(values)
		values = slices.Compact(values)
		fmt.Fprintf(h, "%q\n", values)
	}
	list(slices.Clone(f.Types)...)
	var authors, parents, times []string
	for _, a := range f.Authors {
		authors = append(authors, string(a[:]))
	}
	for _, p := range f.Parents {
		parents = append(parents, string(p[:]))
	}
	list(authors...)
	list(parents...)
	for i, t := range []*uint64{f.Since, f.Until} {
		if t != nil {
			times = append(times, fmt.Sprint(i, *t))
		}
	}
	list(times...)
	fmt.Fprint(h, f.Descending)
	return binary.BigEndian.Uint64(h.Sum(nil))
}

func encodeCursor(f *journal.Filter, p journal.Position) string {
	b := []byte{cursorVersion}
	b, _ = hex.AppendDecode(b, []byte(p.Epoch))
	b = binary.BigEndian.AppendUint64(b, p.Sequence)
	b = binary.BigEndian.AppendUint64(b, fingerprint(f))
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor returns the position that a cursor of f is of.
func decodeCursor(f *journal.Filter, cursor string) (journal.Position, error) {
	refused := func(why string) (journal.Position, error) {
		return journal.Position{}, &code.Error{Code: code.InvalidCursor, Detail: why}
	}
	if len(cursor) != base64.RawURLEncoding.EncodedLen(cursorSize) {
		return refused("that is not a cursor")
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || b[0] != cursorVersion {
		return refused("that is not a cursor")
	}
	if binary.BigEndian.Uint64(b[17:]) != fingerprint(f) {
		return refused("the cursor is of a query with other filters or another order")
	}
	p := journal.Position{Epoch: hex.EncodeToString(b[1:9]), Sequence: binary.BigEndian.Uint64(b[9:])}
	if p.Sequence == 0 || p.Sequence > maxSafe {
		return refused("that is not a cursor")
	}
	return p, nil
}
