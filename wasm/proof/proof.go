// Package proof checks proof files: an event, the receipt that a host signed
// for it, and the C2SP tlog-proof that it is in the host's log, all bound to
// each other.
package proof

import (
	"github.com/eventseal/eventseal/wasm/canon"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/event"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/merkle"
	"github.com/eventseal/eventseal/wasm/note"
	"github.com/eventseal/eventseal/wasm/receipt"
)

// overhead is how much longer than an event a proof file may be, as it comes
// and in canonical form.
const overhead = 128 << 10

// A Verifier checks one proof file after another. Its buffers stay, so that
// one in use allocates nothing; what it returns is valid until its next call.
// It serves one goroutine.
type Verifier struct {
	// Parser reads the event, by its limit and types.
	Parser *event.Parser

	w          canon.Writer
	pointer    []byte
	trust      trust
	event      event.Event
	receipts   receipt.Parser
	receipt    receipt.Receipt
	log        []byte
	inclusion  inclusion
	checkpoint note.Checkpoint
	anchor     anchor
	k1         note.Key
	parts      [parts]code.Code
	known      [parts]string // what is said of a part that has no code
	witnesses  uint64
	report     canon.Object
	text       [key.MaxText]byte // a hash or a key
}

// The parts of a proof, in the order in which their faults are told.
const (
	partRecord = iota
	partReceipt
	partCheckpoint
	partPath
	partKeys
	partCosignatures
	partAnchor
	parts
)

// What is said of parts beside codes.
const (
	valid       = "valid"
	absent      = "absent"
	unchecked   = "not checked" // as another part is not what it would be checked with
	needsKeys   = "needs keys"
	needsPolicy = "needs policy"
	needsChain  = "needs chain"
)

// The members of a proof file in their order in the canonical form.
const (
	fieldAnchor = iota
	fieldVersion
	fieldLog
	fieldReceipt
	fieldRecord
	fields
)

var names = [fields]string{"anchor", "eventseal_proof", "log", "receipt", "record"}

// Pointer returns the JSON pointer (RFC 6901) to what made the last call
// refuse a file before any part was looked at.
func (v *Verifier) Pointer() []byte { return v.pointer }

func (v *Verifier) refuse(c code.Code, field int) code.Code {
	v.pointer = append(append(v.pointer[:0], '/'), names[field]...)
	return c
}

// Verify checks a proof file in any JSON spelling against what somebody trusts:
// see trust.parse. Where the file could be taken apart there is a report, and
// the code is the first fault's. Otherwise, and where the trust text is wrong
// (InvalidArgument, its line as pointer), there is none.
func (v *Verifier) Verify(file, text []byte) (report []byte, c code.Code) {
	v.pointer = v.pointer[:0]
	if line := v.trust.parse(text); line > 0 {
		v.pointer = canon.AppendIndex(append(v.pointer, '/'), line)
		return nil, code.InvalidArgument
	}
	at, c := v.open(file)
	if c != code.OK {
		return nil, c
	}
	v.parts, v.known, v.witnesses = [parts]code.Code{}, [parts]string{}, 0
	for i := range v.known {
		v.known[i] = valid
	}
	v.parts[partRecord] = v.Parser.Verify(at[fieldRecord], &v.event)
	v.parts[partReceipt] = v.receipts.Read(at[fieldReceipt], &v.receipt)
	hasRecord, hasReceipt := v.is(partRecord), v.is(partReceipt)
	if hasRecord && hasReceipt && (!digest.Equal(v.receipt.Hash[:], v.event.Hash[:]) || !digest.Equal(v.receipt.RecordDigest[:], v.event.RecordDigest[:])) {
		v.parts[partReceipt] = code.ProofMismatch
	}
	v.log = canon.AppendText(v.log[:0], at[fieldLog])
	if !v.inclusion.parse(v.log) {
		v.parts[partPath] = code.InvalidProof
		v.known[partCheckpoint], v.known[partCosignatures] = unchecked, unchecked
	} else if !v.checkpoint.Parse(v.inclusion.note) {
		v.parts[partCheckpoint] = code.InvalidCheckpoint
		v.known[partPath], v.known[partCosignatures] = unchecked, unchecked
	} else {
		v.signatures(hasReceipt)
		v.path(hasRecord, hasReceipt)
		v.cosignatures()
	}
	v.keys(hasReceipt)
	v.anchored(at[fieldAnchor])
	for _, c = range v.parts {
		if c != code.OK {
			break
		}
	}
	v.write(c, hasRecord, hasReceipt)
	return v.report, c
}

// is reports whether nothing is wrong with a part so far.
func (v *Verifier) is(part int) bool { return v.parts[part] == code.OK }

// open takes a file apart: the record and the receipt are in canonical form,
// the log is without its quotes.
//
//go:noinline
func (v *Verifier) open(file []byte) (at [fields][]byte, c code.Code) {
	limit := v.Parser.MaxBytes
	if limit == 0 {
		limit = event.DefaultMaxBytes
	}
	limit += overhead
	if len(file) > limit {
		return at, code.TooLarge
	}
	v.w.Depth, v.w.Max, v.w.Event = canon.MaxEventDepth+1, limit, true
	out, c := v.w.Write(file)
	if c != code.OK {
		v.pointer = append(v.pointer, v.w.Pointer()...)
		return at, c
	}
	if out[0] != '{' {
		return at, code.InvalidField
	}
	var members [fields]*canon.Member
	if m := v.w.Take(names[:], members[:]); m != nil {
		v.pointer = append(v.pointer, v.w.PointTo(m)...)
		return at, code.UnknownField
	}
	for f, m := range members {
		if m == nil {
			return at, v.refuse(code.MissingField, f)
		}
		at[f] = out[m.Value:m.End]
	}
	ok := true
	if at[fieldAnchor][0] != '{' && !digest.Is(at[fieldAnchor], "null") {
		return at, v.refuse(code.InvalidField, fieldAnchor)
	}
	if !digest.Is(at[fieldVersion], "1") {
		return at, v.refuse(code.InvalidField, fieldVersion)
	}
	if at[fieldLog], ok = canon.Unquote(at[fieldLog]); !ok {
		return at, v.refuse(code.InvalidField, fieldLog)
	}
	return at, code.OK
}

// signatures checks the two lines that a checkpoint has of its host: by the
// log's key that the receipt names, and by the key that signed the receipt.
//
//go:noinline
func (v *Verifier) signatures(hasReceipt bool) {
	if !hasReceipt {
		v.known[partCheckpoint] = unchecked
		return
	}
	c := &v.parts[partCheckpoint]
	log := &v.receipt.Log
	if !digest.Equal(v.checkpoint.Origin, log.Name) {
		*c = code.ProofMismatch
		return
	}
	v.k1 = note.Key{Name: log.Name, Kind: note.K1, Raw: v.receipt.Key.Point}
	v.k1.SetID()
	a, b := v.checkpoint.Verify(log), v.checkpoint.Verify(&v.k1)
	switch {
	case a == note.Forged || b == note.Forged:
		*c = code.SignatureMismatch
	case a == note.Unsigned || b == note.Unsigned:
		*c = code.InvalidCheckpoint
	}
}

// path checks that the event is the leaf that the receipt promises.
//
//go:noinline
func (v *Verifier) path(hasRecord, hasReceipt bool) {
	leaf := &v.event.Hash
	if !hasRecord {
		leaf = &v.receipt.Hash
	}
	p := &v.inclusion
	switch {
	case !hasRecord && !hasReceipt:
		v.known[partPath] = unchecked
	case hasReceipt && p.index+1 != v.receipt.Sequence:
		v.parts[partPath] = code.ProofMismatch
	default:
		v.parts[partPath] = merkle.Verify(leaf, p.index, v.checkpoint.Size, p.path, &v.checkpoint.Root)
	}
}

// cosignatures checks those of the witnesses that are known.
//
//go:noinline
func (v *Verifier) cosignatures() {
	n, enough, forged := v.trust.count(&v.checkpoint)
	v.witnesses = n
	switch {
	case forged:
		v.parts[partCosignatures] = code.SignatureMismatch
	case !enough:
		v.parts[partCosignatures] = code.InsufficientWitnesses
	case n > 0:
	case len(v.checkpoint.Lines) > 2:
		v.known[partCosignatures] = needsPolicy
	default:
		v.known[partCosignatures] = absent
	}
}

// keys compares who signed with who is trusted. A host that is trusted vouches
// for its log with its receipt, but a log for no host: anybody can sign a receipt
// that names it, and add a line to its checkpoint.
//
//go:noinline
func (v *Verifier) keys(hasReceipt bool) {
	t := &v.trust
	switch {
	case !hasReceipt && t.nlogs+t.nhosts > 0:
		v.known[partKeys] = unchecked
	case t.nlogs > 0 && !t.hasLog(&v.receipt.Log) || t.nhosts > 0 && !t.hasHost(&v.receipt.Key):
		v.parts[partKeys] = code.UntrustedKey
	case t.nhosts == 0:
		v.known[partKeys] = needsKeys
	}
}
