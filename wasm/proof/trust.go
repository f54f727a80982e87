package proof

import (
	"github.com/eventseal/eventseal/wasm/antelope"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/note"
)

// Limits of a trust text, as C2SP tlog-policy asks for at least half of.
const (
	maxTrust  = 64 << 10 // bytes
	maxKeys   = 64       // logs, and as many hosts
	maxNodes  = 128      // witnesses and groups
	maxChains = 16
)

// A trust is what somebody relies on: the keys of logs, hosts and witnesses,
// and how many of the witnesses have to have seen a checkpoint. Names are
// views of the text.
type trust struct {
	logs    [maxKeys]note.Key
	hosts   [maxKeys]key.Public
	nodes   [maxNodes]node
	chains  [maxChains]chain
	nchains int
	nlogs   int
	nhosts  int
	nnodes  int
	quorum  int // index in nodes, −1: none
}

// A chain is a contract's account on one.
type chain struct{ id, contract []byte }

// A node is a witness, or a group of nodes before it.
type node struct {
	name      []byte // in the text; nil for a witness without
	group     bool
	member    bool // of a group
	threshold int
	members   [maxNodes / 64]uint64
	witness   note.Key
	met       bool // it has cosigned, or enough of its members have
}

// parse reads a trust text. Lines are blank, begin with '#', or hold one of
//
//	PUB_K1_…                              the key of a host
//	<vkey>                                of a log (Ed25519) or a witness (cosignature)
//	log <vkey> [<url>]                    these are those of C2SP tlog-policy
//	witness <name> <vkey> [<url>]
//	group <name> <k>|any|all <name>...
//	quorum <name>|none
//
// No key, name or member of a group stands twice. With witnesses that have
// names there is a quorum. It returns the number of the first line that is
// wrong, 0 if none is.
//
//go:noinline
func (t *trust) parse(text []byte) (wrong uint32) {
	t.nlogs, t.nhosts, t.nnodes, t.nchains, t.quorum = 0, 0, 0, 0, -1
	var stated, named bool
	if len(text) > maxTrust {
		return 1
	}
	for number := uint32(1); len(text) > 0; number++ {
		line, rest := note.Cut(text)
		if line == nil {
			line = text // the last may lack its newline
		}
		text = rest
		for _, b := range line {
			if b < ' ' && b != '\t' || b == 0x7f {
				return number
			}
		}
		w := words{line}
		first := w.next()
		ok := true
		switch {
		case first == nil || first[0] == '#':
			continue
		case digest.Is(first, "log"):
			ok = t.log(w.next())
			w.next()
		case digest.Is(first, "witness"):
			name := w.next()
			ok = t.named(name) && t.witness(name, w.next())
			w.next()
			named = true
		case digest.Is(first, "group"):
			ok = t.group(&w)
			named = true
		case digest.Is(first, "quorum"):
			ok = !stated && t.setQuorum(w.next())
			stated = true
		case digest.Is(first, "chain"):
			ok = t.chain(w.next(), w.next())
		default:
			ok = t.host(first) || t.log(first) || t.witness(nil, first)
		}
		if !ok || w.next() != nil {
			return number
		}
		wrong = number
	}
	if named && !stated {
		return wrong
	}
	return 0
}

// words are the words of a line, separated by spaces and tabs.
type words struct{ rest []byte }

// next returns the next word, nil if there is none.
func (w *words) next() []byte {
	at := 0
	for at < len(w.rest) && (w.rest[at] == ' ' || w.rest[at] == '\t') {
		at++
	}
	from := at
	for at < len(w.rest) && w.rest[at] != ' ' && w.rest[at] != '\t' {
		at++
	}
	word := w.rest[from:at]
	w.rest = w.rest[at:]
	if len(word) == 0 {
		return nil
	}
	return word
}

//
//go:noinline
func (t *trust) host(text []byte) bool {
	if t.nhosts == maxKeys || !digest.HasPrefix(text, "PUB_K1_") {
		return false
	}
	k, c := key.ParsePublic(text)
	if c != code.OK || t.hasHost(&k) {
		return false
	}
	t.hosts[t.nhosts] = k
	t.nhosts++
	return true
}

func (t *trust) hasHost(k *key.Public) bool {
	for i := range t.hosts[:t.nhosts] {
		if digest.Equal(t.hosts[i].Point[:], k.Point[:]) {
			return true
		}
	}
	return false
}

// log adds the key of a log. A host that began another log has the same key
// under another name.
func (t *trust) log(text []byte) bool {
	if t.nlogs == maxKeys {
		return false
	}
	k := &t.logs[t.nlogs]
	if !k.Parse(text) || k.Kind != note.Ed25519 || t.hasLog(k) {
		return false
	}
	t.nlogs++
	return true
}

// hasLog reports whether a log is known under that name with that key.
func (t *trust) hasLog(k *note.Key) bool {
	for i := range t.logs[:t.nlogs] {
		if l := &t.logs[i]; digest.Equal(l.Raw[:], k.Raw[:]) && digest.Equal(l.Name, k.Name) {
			return true
		}
	}
	return false
}

func (t *trust) chain(id, name []byte) bool {
	if t.nchains == maxChains {
		return false
	}
	var h digest.Hash
	if _, ok := antelope.ParseName(name); !ok || !h.Parse(id) || t.hasChain(id, name) {
		return false
	}
	t.chains[t.nchains] = chain{id, name}
	t.nchains++
	return true
}

// hasChain reports whether the contract is known.
func (t *trust) hasChain(id, contract []byte) bool {
	for i := range t.chains[:t.nchains] {
		if c := &t.chains[i]; digest.Equal(c.id, id) && digest.Equal(c.contract, contract) {
			return true
		}
	}
	return false
}

// named reports whether a witness or group can have the name.
func (t *trust) named(name []byte) bool {
	return name != nil && !digest.Is(name, "none") && t.find(name) < 0
}

// find returns the index of a name among the nodes, −1 if it is not there.
func (t *trust) find(name []byte) int {
	for i := range t.nodes[:t.nnodes] {
		if n := &t.nodes[i]; n.name != nil && digest.Equal(n.name, name) {
			return i
		}
	}
	return -1
}

func (t *trust) witness(name, text []byte) bool {
	if t.nnodes == maxNodes {
		return false
	}
	n := &t.nodes[t.nnodes]
	*n = node{name: name}
	if !n.witness.Parse(text) || n.witness.Kind != note.Cosignature {
		return false
	}
	for i := range t.nodes[:t.nnodes] {
		if o := &t.nodes[i]; !o.group && digest.Equal(o.witness.Raw[:], n.witness.Raw[:]) {
			return false
		}
	}
	t.nnodes++
	return true
}

func (t *trust) group(w *words) bool {
	if t.nnodes == maxNodes {
		return false
	}
	name, threshold := w.next(), w.next()
	if !t.named(name) || threshold == nil {
		return false
	}
	n := &t.nodes[t.nnodes]
	*n = node{name: name, group: true}
	size := 0
	for member := w.next(); member != nil; member = w.next() {
		i := t.find(member)
		if i < 0 || t.nodes[i].member {
			return false
		}
		t.nodes[i].member = true
		n.members[i/64] |= 1 << (i % 64)
		size++
	}
	switch {
	case digest.Is(threshold, "all"):
		n.threshold = size
	case digest.Is(threshold, "any"):
		n.threshold = 1
	default:
		if k, ok := note.Number(threshold); ok {
			n.threshold = int(min(k, maxNodes+1))
		}
	}
	t.nnodes++
	return 1 <= n.threshold && n.threshold <= size
}

func (t *trust) setQuorum(name []byte) bool {
	if name == nil {
		return false
	}
	if digest.Is(name, "none") {
		return true
	}
	t.quorum = t.find(name)
	return t.quorum >= 0
}

// count asks which witnesses have cosigned a checkpoint. It returns how many,
// whether that is enough, and whether one of their lines does not verify.
//
//go:noinline
func (t *trust) count(c *note.Checkpoint) (witnesses uint64, enough, forged bool) {
	for i := range t.nodes[:t.nnodes] {
		n := &t.nodes[i]
		if n.group {
			met := 0
			for j := range i {
				if n.members[j/64]>>(j%64)&1 != 0 && t.nodes[j].met {
					met++
				}
			}
			n.met = met >= n.threshold
			continue
		}
		v := c.Verify(&n.witness)
		n.met = v == note.Signed
		forged = forged || v == note.Forged
		if n.met {
			witnesses++
		}
	}
	return witnesses, t.quorum < 0 || t.nodes[t.quorum].met, forged
}
