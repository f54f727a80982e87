package checkpoint

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/eventseal/eventseal/wasm/digest"
)

// A Trust says whom to believe: logs by their keys, hosts by the keys that sign
// receipts, witnesses, and how many of these must have signed a head, and the
// contracts that heads are anchored in.
type Trust struct {
	Logs      []Key
	Hosts     []string // PUB_K1_… texts, unchecked
	Witnesses []Key
	Chains    []Chain
	quorum    *group // nil: none are needed
}

// MaxTrust bounds a trust text, in bytes.
const MaxTrust = 64 << 10

// A Chain is a contract that keeps heads, by the ID of its chain and the name of
// its account there.
type Chain struct {
	ID       digest.Hash
	Contract string
}

// maxChains bounds those of a trust text.
const maxChains = 16

// account is the form of an account's name on an Antelope chain.
var account = regexp.MustCompile(`^([.1-5a-z]{0,11}[1-5a-z]|[.1-5a-z]{12}[1-5a-j])$`)

// A group is a witness, or so many of its members.
type group struct {
	witness *Key
	need    int
	members []*group
}

func (g *group) met(signed func(Key) bool) bool {
	if g.witness != nil {
		return signed(*g.witness)
	}
	n := 0
	for _, m := range g.members {
		if m.met(signed) {
			n++
		}
	}
	return n >= g.need
}

// Enough reports whether a head that these witnesses have signed is witnessed.
func (t *Trust) Enough(signed func(Key) bool) bool {
	return t.quorum == nil || t.quorum.met(signed)
}

// Demanding reports whether any witness is needed.
func (t *Trust) Demanding() bool { return t.quorum != nil }

// ParseTrust reads a trust text: on each line a vkey of a log or of a witness, a
// PUB_K1_ key of a host, or a line of a C2SP tlog-policy (log, witness, group,
// quorum), or chain, the ID of one and a contract on it. Empty lines and those that begin with # say nothing. Without a
// quorum line no witness is needed. The error names the line.
func ParseTrust(text string) (*Trust, error) {
	p := &trustParser{named: map[string]*group{}, used: map[string]bool{}}
	if len(text) > MaxTrust {
		return nil, fmt.Errorf("checkpoint: more than %d bytes of keys", MaxTrust)
	}
	for i, line := range strings.Split(text, "\n") {
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, fmt.Errorf("line %d: a control character", i+1)
		}
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if err := p.line(fields); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return &p.t, nil
}

type trustParser struct {
	t      Trust
	named  map[string]*group
	used   map[string]bool // members of a group, or the quorum
	closed bool            // there was a quorum line
}

var errTrust = errors.New("neither a key nor a line of a policy")

func (p *trustParser) line(f []string) error {
	switch kind := f[0]; {
	case kind == "log" && (len(f) == 2 || len(f) == 3):
		return p.key(f[1], Ed25519)
	case kind == "witness" && (len(f) == 3 || len(f) == 4):
		if err := p.key(f[2], Cosignature); err != nil {
			return err
		}
		return p.name(f[1], &group{witness: &p.t.Witnesses[len(p.t.Witnesses)-1]})
	case kind == "group" && len(f) >= 4:
		return p.group(f[1], f[2], f[3:])
	case kind == "quorum" && len(f) == 2:
		if p.closed {
			return errors.New("a second quorum")
		}
		p.closed = true
		if f[1] == "none" {
			return nil
		}
		var err error
		p.t.quorum, err = p.member(f[1])
		return err
	case kind == "chain" && len(f) == 3:
		return p.chain(f[1], f[2])
	case len(f) > 1:
		return errTrust
	case strings.HasPrefix(kind, "PUB_K1_"):
		if slices.Contains(p.t.Hosts, kind) {
			return errors.New("the key is named twice")
		}
		p.t.Hosts = append(p.t.Hosts, kind)
		return nil
	}
	return p.key(f[0], 0)
}

// key takes a vkey; kind 0: of a log or a witness.
func (p *trustParser) key(text string, kind byte) error {
	k, err := ParseKey(text)
	if err != nil {
		return err
	}
	if k.Kind == K1 || kind != 0 && k.Kind != kind {
		return fmt.Errorf("%.80q is a key of another kind", text)
	}
	keys := &p.t.Logs
	if k.Kind == Cosignature {
		keys = &p.t.Witnesses
	}
	for _, other := range *keys {
		if slices.Equal(other.Raw, k.Raw) {
			return errors.New("the key is named twice")
		}
	}
	*keys = append(*keys, k)
	return nil
}

func (p *trustParser) chain(id, contract string) error {
	h, ok := digest.ParseHash(id)
	if !ok || !account.MatchString(contract) {
		return errors.New("a chain is named by its ID, 64 digits, and a contract by its account")
	}
	c := Chain{ID: h, Contract: contract}
	if slices.Contains(p.t.Chains, c) {
		return errors.New("the contract is named twice")
	}
	if len(p.t.Chains) == maxChains {
		return fmt.Errorf("more than %d contracts", maxChains)
	}
	p.t.Chains = append(p.t.Chains, c)
	return nil
}

func (p *trustParser) name(name string, g *group) error {
	if name == "none" || p.named[name] != nil {
		return fmt.Errorf("the name %.80q is taken", name)
	}
	p.named[name] = g
	return nil
}

func (p *trustParser) member(name string) (*group, error) {
	g := p.named[name]
	if g == nil {
		return nil, fmt.Errorf("no line above has the name %.80q", name)
	}
	return g, nil
}

func (p *trustParser) group(name, need string, members []string) error {
	g := &group{}
	for _, m := range members {
		member, err := p.member(m)
		if err != nil {
			return err
		}
		if p.used[m] {
			return fmt.Errorf("%.80q is a member already", m)
		}
		p.used[m] = true
		g.members = append(g.members, member)
	}
	switch need {
	case "any":
		g.need = 1
	case "all":
		g.need = len(members)
	default:
		n, err := strconv.Atoi(need)
		if err != nil || n < 1 || n > len(members) || strconv.Itoa(n) != need {
			return fmt.Errorf("%.20q of %d members", need, len(members))
		}
		g.need = n
	}
	return p.name(name, g)
}
