package monitor

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/eventseal/eventseal/host/durable"
)

// A Kind is what a host was found doing.
type Kind string

const (
	SplitView     Kind = "split_view"     // it signed two heads that contradict each other: proven by the evidence
	Rollback      Kind = "rollback"       // it served a smaller head than before, or none
	MissingEvent  Kind = "missing_event"  // its tree has an event that it does not serve
	WrongEvent    Kind = "wrong_event"    // it served something else for an event
	BadBundle     Kind = "bad_bundle"     // the entries that it served are not the tree's leaves
	BadTile       Kind = "bad_tile"       // the tiles that it served do not lead to the root that it signed
	MissingTile   Kind = "missing_tile"   // it does not serve a part of the tree that it signed
	BadCheckpoint Kind = "bad_checkpoint" // what it served as a head is none of the log's
	ChangedKeys   Kind = "changed_keys"   // it shows other keys than before, or than are trusted
	FewWitnesses  Kind = "few_witnesses"  // its heads are not witnessed as was demanded
)

// A Finding is what was found, and the evidence: a file of JSON that others can
// check (see Check). What is in none of the signed parts is the word of who
// followed the host.
type Finding struct {
	Version int       `json:"eventseal_evidence"` // 1
	Kind    Kind      `json:"finding"`
	Server  string    `json:"server"`
	FoundAt time.Time `json:"found_at"`
	Detail  string    `json:"detail"`
	Tries   int       `json:"tries,omitempty"` // how often it was asked for
	Path    string    `json:"evidence,omitempty"`

	Keys        []string `json:"keys"`                  // by which heads were verified: the log's vkey, PUB_K1_…
	Checkpoints []string `json:"checkpoints,omitempty"` // signed heads, the smaller or earlier one first
	Prefix      string   `json:"prefix_root,omitempty"` // of the larger head's first leaves, as many as the smaller one has; base64
	Consistency []string `json:"consistency,omitempty"` // from there to the larger head (RFC 6962, section 2.1.2); base64

	Sequence uint64   `json:"sequence,omitempty"`
	Hash     string   `json:"hash,omitempty"`   // of the event
	Proof    string   `json:"proof,omitempty"`  // C2SP tlog-proof of its leaf
	Answer   []byte   `json:"answer,omitempty"` // what the host served for it, base64
	Tiles    []Tile   `json:"tiles,omitempty"`
	Known    []string `json:"known_keys,omitempty"`
	Served   []string `json:"served_keys,omitempty"`
}

// A Tile is what a host served at a path below /log/.
type Tile struct {
	Path string `json:"path"`
	Data []byte `json:"data"` // base64
}

func (f *Finding) Error() string { return fmt.Sprintf("%s: %s", f.Kind, f.Detail) }

func (e *goneError) finding(t *tree) *Finding {
	return &Finding{Kind: MissingTile, Detail: e.Error() + ", which its signed head has", Checkpoints: []string{t.note}}
}

// evidenceFolder is the folder of evidence in that of the state.
const evidenceFolder = "evidence"

// found writes the evidence durably and tells of it. Evidence of the same that
// is there already stays.
func (m *Monitor) found(f Finding) error {
	f.Version, f.Server, f.FoundAt = 1, m.o.Server, time.Now().UTC().Truncate(time.Second)
	f.Keys = m.state.Keys
	if f.Kind != ChangedKeys && f.Kind != SplitView {
		f.Tries = max(f.Tries, m.o.Attempts)
	}
	m.report.Findings++
	name := string(f.Kind)
	switch {
	case f.Sequence > 0:
		name = fmt.Sprintf("%s-%d", name, f.Sequence)
	case len(f.Checkpoints) > 0:
		sum := sha256.Sum256([]byte(strings.Join(f.Checkpoints, "\n")))
		name = fmt.Sprintf("%s-%x", name, sum[:8])
	}
	f.Path = filepath.Join(m.o.Dir, evidenceFolder, name+".json")
	b, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	if _, err := os.Stat(f.Path); errors.Is(err, fs.ErrNotExist) {
		if err := durable.Replace(f.Path, append(b, '\n')); err != nil {
			return err
		}
	}
	if m.o.Told != nil {
		m.o.Told(f)
	}
	return nil
}
