package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/wasm/digest"
)

// keys are those by which heads are verified.
type keys struct {
	log  checkpoint.Key
	host *k1Verifier // nil: a log that shows none
}

// maxKeys bounds /log/keys.
const maxKeys = 4 << 10

// believe asks the host for its keys, and believes those that were trusted or
// that it showed first. Other ones are a finding.
func (m *Monitor) believe(ctx context.Context) error {
	b, err := m.source.get(ctx, "keys", maxKeys)
	if errors.Is(err, errNotFound) && len(m.o.Trust.Logs) == 1 && len(m.o.Trust.Hosts) == 0 {
		// A log of another make, whose key is known.
		b, err = []byte(m.o.Trust.Logs[0].String()+"\n"), nil
	}
	if errors.Is(err, errNotFound) {
		return fmt.Errorf("%w: the host has no log, or the address is not a host's", err)
	}
	if err != nil {
		return err
	}
	served, k, err := m.parseKeys(ctx, string(b))
	if err != nil {
		return fmt.Errorf("%s/log/keys is not what a host serves: %w", m.o.Server, err)
	}
	known := m.state.Keys
	switch {
	case known == nil:
		if why := m.untrusted(k); why != "" {
			return &Finding{Kind: ChangedKeys, Detail: why, Served: served}
		}
		if m.state.Keys = served; len(m.o.Trust.Logs)+len(m.o.Trust.Hosts) == 0 && m.o.Keys != nil {
			m.o.Keys(served)
		}
		if err := m.save(); err != nil {
			return err
		}
	case !slices.Equal(known, served):
		f := &Finding{Kind: ChangedKeys, Detail: "the host shows other keys than before", Known: known, Served: served}
		if head, err := m.source.get(ctx, "checkpoint", checkpoint.MaxNote); err == nil {
			f.Checkpoints = []string{m.state.Last, string(head)}
		}
		return f
	default:
		if why := m.untrusted(k); why != "" {
			return &Finding{Kind: ChangedKeys, Detail: why, Served: served}
		}
	}
	m.keys = k
	m.report.Origin = k.log.Name
	return nil
}

// untrusted says why keys are not those that are trusted; "" where they are.
func (m *Monitor) untrusted(k keys) string {
	if t := m.o.Trust; len(t.Logs) > 0 && !slices.ContainsFunc(t.Logs, func(l checkpoint.Key) bool { return l.String() == k.log.String() }) {
		return "the log's key is not one of those that are trusted"
	} else if len(t.Hosts) > 0 && (k.host == nil || !slices.Contains(t.Hosts, k.host.text)) {
		return "the host's key is not one of those that are trusted"
	}
	return ""
}

// parseKeys reads /log/keys: the log's vkey, and the key by which the host signs
// receipts and, too, heads. On which chain the heads are is no key.
func (m *Monitor) parseKeys(ctx context.Context, text string) (lines []string, k keys, err error) {
	lines = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "chain ") })
	if len(lines) == 0 {
		return nil, k, errors.New("no key is in it")
	}
	if len(lines) > 2 {
		return nil, k, errors.New("more than two lines")
	}
	if k.log, err = checkpoint.ParseKey(lines[0]); err == nil && k.log.Kind != checkpoint.Ed25519 {
		err = fmt.Errorf("%s is not the key of a log", k.log)
	}
	if err == nil && len(lines) == 2 {
		k.host, err = newK1Verifier(ctx, m.o.Module, k.log.Name, lines[1])
	}
	return lines, k, err
}

// verifiers are those of the keys and of the witnesses that are known.
func (m *Monitor) verifiers() []note.Verifier {
	vs := []note.Verifier{m.keys.log.Verifier()}
	if m.keys.host != nil {
		vs = append(vs, m.keys.host)
	}
	for _, w := range m.o.Trust.Witnesses {
		vs = append(vs, w.Verifier())
	}
	return vs
}

// A k1Verifier is a note.Verifier of a host's K1 key, which the module judges.
type k1Verifier struct {
	text   string // PUB_K1_…
	key    checkpoint.Key
	module Module
}

func newK1Verifier(ctx context.Context, m Module, origin, text string) (*k1Verifier, error) {
	point, k, err := m.ParsePublic(ctx, text)
	if err != nil || k.Public != text || !strings.HasPrefix(text, "PUB_K1_") {
		return nil, errors.Join(fmt.Errorf("%.80q is not the key of a host", text), err)
	}
	return &k1Verifier{text, checkpoint.Key{Name: origin, Kind: checkpoint.K1, Raw: point[1:]}, m}, nil
}

func (v *k1Verifier) Name() string    { return v.key.Name }
func (v *k1Verifier) KeyHash() uint32 { return v.key.ID() }

// Verify reports whether sig, of 65 bytes, is the key's over the SHA-256 of text.
func (v *k1Verifier) Verify(text, sig []byte) bool {
	if len(sig) != 65 {
		return false
	}
	sum := digest.RIPEMD160(append(slices.Clone(sig), "K1"...))
	signature := "SIG_K1_" + string(digest.AppendBase58(nil, append(slices.Clone(sig), sum[:4]...)))
	k, err := v.module.Recover(context.Background(), digest.SHA256(text), signature)
	return err == nil && k.Public == v.text
}
