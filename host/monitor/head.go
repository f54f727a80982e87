package monitor

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/checkpoint"
)

// head returns the host's newest head, which follows from all that were seen
// before; nil: the log is empty and always was.
func (m *Monitor) head(ctx context.Context) (*tree, error) {
	for attempt := 1; ; attempt++ {
		t, err := m.offered(ctx)
		if err == nil && t != nil {
			err = m.follows(ctx, t)
		}
		var f *Finding
		var gone *goneError
		switch {
		case err == nil:
			return t, nil
		case errors.As(err, &gone):
			if attempt >= m.o.Attempts {
				return nil, gone.finding(t)
			}
		case !errors.As(err, &f) || f.Kind == SplitView || attempt >= m.o.Attempts:
			return nil, err
		}
		// A cache may be behind, a tile may have been damaged on its way, a witness may
		// have been late: what lasts is a finding.
		if err := m.pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// offered fetches a head and verifies its signatures.
func (m *Monitor) offered(ctx context.Context) (*tree, error) {
	b, err := m.source.get(ctx, "checkpoint", checkpoint.MaxNote)
	switch {
	case errors.Is(err, errNotFound) && m.state.Last == "" && m.state.Seen == "":
		return nil, nil
	case errors.Is(err, errNotFound):
		return nil, &Finding{Kind: Rollback, Detail: "the host has no head any more", Checkpoints: []string{m.newest()}}
	case err != nil:
		return nil, err
	}
	c, n, err := m.open(string(b))
	if err != nil {
		return nil, &Finding{Kind: BadCheckpoint, Detail: err.Error(), Checkpoints: []string{string(b)}, Known: m.state.Keys}
	}
	signed := func(k checkpoint.Key) bool {
		for _, s := range n.Sigs {
			if s.Name == k.Name && s.Hash == k.ID() {
				return true
			}
		}
		return false
	}
	if !m.o.Trust.Enough(signed) {
		return nil, &Finding{Kind: FewWitnesses, Detail: "too few of the witnesses have signed the head", Checkpoints: []string{string(b)}}
	}
	return newTree(c, string(b), m.source), nil
}

// open reads a head that the log, and the host, have signed. A known witness's
// line that does not verify is an error, too.
func (m *Monitor) open(signed string) (c checkpoint.Checkpoint, n *note.Note, err error) {
	if c, n, err = checkpoint.Open([]byte(signed), m.verifiers()...); err != nil {
		return c, n, err
	}
	need := map[uint32]string{m.keys.log.ID(): "the log"}
	if m.keys.host != nil {
		need[m.keys.host.KeyHash()] = "the host"
	}
	for _, s := range n.Sigs {
		if s.Name == m.keys.log.Name {
			delete(need, s.Hash)
		}
	}
	for _, who := range need {
		return c, n, errors.New(who + " has not signed it")
	}
	switch {
	case c.Origin != m.keys.log.Name:
		return c, n, fmt.Errorf("it is of the log %.80q, not of %s", c.Origin, m.keys.log.Name)
	case c.Size == 0 && c.Root != sha256.Sum256(nil):
		return c, n, errors.New("the empty tree has another root")
	case c.Size > maxSize:
		return c, n, fmt.Errorf("no log has %d events", c.Size)
	}
	return c, n, nil
}

// newest returns the largest head that was seen.
func (m *Monitor) newest() string {
	if m.state.Seen != "" {
		return m.state.Seen
	}
	return m.state.Last
}

// follows makes t the last head if it follows from those that were seen.
func (m *Monitor) follows(ctx context.Context, t *tree) error {
	for _, before := range []string{m.state.Seen, m.state.Last} {
		if before == "" {
			continue
		}
		was, _, err := m.open(before)
		if err != nil {
			return fmt.Errorf("the head in %s does not verify: %w", stateFile, err)
		}
		if err := m.compare(ctx, was, before, t); err != nil {
			return err
		}
	}
	m.state.Last, m.state.Seen = t.note, ""
	m.report.Size = t.Size
	return nil
}

// compare proves that t follows from a head that was seen.
func (m *Monitor) compare(ctx context.Context, was checkpoint.Checkpoint, signed string, t *tree) error {
	split := &Finding{Kind: SplitView, Checkpoints: []string{signed, t.note}}
	switch {
	case was.Size == t.Size && was.Root == t.Root, was.Size == 0:
		return nil
	case was.Size == t.Size:
		split.Detail = fmt.Sprintf("two heads of size %d with different roots", t.Size)
		return split
	case was.Size > t.Size:
		// The larger one's tiles, where they are served still, say whether it is old or another tree's.
		larger := newTree(was, signed, m.source)
		proof, root, err := larger.consistency(ctx, t.Size)
		if err == nil && root != tlog.Hash(t.Root) {
			split.Checkpoints = []string{t.note, signed}
			return split.proven(t.Size, was.Size, proof, root)
		}
		detail := fmt.Sprintf("a head of size %d was served after one of %d", t.Size, was.Size)
		if err == nil {
			detail += "; both are of one tree"
		}
		return &Finding{Kind: Rollback, Detail: detail, Checkpoints: []string{signed, t.note}}
	}
	if m.state.Seen == "" && m.state.Last != t.note {
		// Kept before anything is asked of it, so that it is compared with what comes
		// even if it cannot be proven to follow.
		m.state.Seen = t.note
		if err := m.save(); err != nil {
			return err
		}
	}
	proof, root, err := t.consistency(ctx, was.Size)
	if err != nil {
		return err
	}
	if tlog.CheckTree(proof, int64(t.Size), tlog.Hash(t.Root), int64(was.Size), tlog.Hash(was.Root)) != nil {
		return split.proven(was.Size, t.Size, proof, root)
	}
	return nil
}

// consistency returns the proof from the first size leaves to the tree, and their root.
func (t *tree) consistency(ctx context.Context, size uint64) (proof tlog.TreeProof, root tlog.Hash, err error) {
	err = t.with(ctx, func(r tlog.HashReader) error {
		var err error
		if proof, err = tlog.ProveTree(int64(t.Size), int64(size), r); err == nil {
			root, err = tlog.TreeHash(int64(size), r)
		}
		return err
	})
	return proof, root, err
}

// proven adds the proof that the larger head's tree begins with another one than
// the smaller head is of.
func (f *Finding) proven(small, large uint64, proof tlog.TreeProof, root tlog.Hash) *Finding {
	f.Detail = fmt.Sprintf("the head of size %d does not follow from that of %d: it begins with another tree", large, small)
	f.Prefix, f.Consistency = root.String(), []string{}
	for _, h := range proof {
		f.Consistency = append(f.Consistency, h.String())
	}
	return f
}
