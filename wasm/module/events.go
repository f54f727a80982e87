package main

import (
	"unsafe"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/event"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/merkle"
	"github.com/eventseal/eventseal/wasm/sig"
)

// A view is a run of bytes in memory.
type view struct{ at, size uint32 }

func viewOf(b []byte) view { return view{address(b), uint32(len(b))} }

// A verdict is what the operations on events answer, 168 bytes: see ABI.md.
type verdict struct {
	code         uint32
	typeCode     uint32
	createdAt    uint64
	hash         digest.Hash
	recordDigest digest.Hash
	curve        byte
	point        [33]byte
	_            [2]byte
	record       view
	typeName     view
	author       view
	parents      view
	signature    view
	pointer      view
	_            uint32
}

// batchLimit is how many events one batch may have.
const batchLimit = 1024

var (
	parser event.Parser
	found  event.Event
	one    verdict

	verdicts  []verdict
	items     []sig.Item
	judgement []code.Code
	batch     sig.Batch
	where     []uint32 // index in verdicts of each item
	kept      []byte   // records, parents and pointers of a batch
)

func (v *verdict) address() uint32 { return uint32(uintptr(unsafe.Pointer(v))) }

// fill sets v to what the parser found, or refused.
func (v *verdict) fill(c code.Code) {
	*v = verdict{code: uint32(c)}
	if c != code.OK {
		found.Record = nil // has no preimage
		v.pointer = viewOf(parser.Pointer())
		return
	}
	e := &found
	v.typeCode, v.createdAt, v.hash, v.recordDigest = e.TypeCode, e.CreatedAt, e.Hash, e.RecordDigest
	v.curve, v.point = byte(e.Key.Curve), e.Key.Point
	v.record, v.typeName, v.author = viewOf(e.Record), viewOf(e.Type), viewOf(e.Author)
	v.parents = view{uint32(uintptr(unsafe.Pointer(&e.Parents))), uint32(e.NumParents) * digest.Size}
	v.signature = viewOf(e.SignatureText())
}

// refusal is the verdict on what is not an event at all.
func refusal(c code.Code) uint32 {
	found.Record = nil
	one = verdict{code: uint32(c)}
	return one.address()
}

func limit(maxBytes uint32) {
	parser.MaxBytes = int(min(maxBytes, event.MaxBytes))
}

// canonicalize(size): a JSON text → its RFC 8785 form.
//
//go:wasmexport canonicalize
func exportCanonicalize(size uint32) uint32 {
	found.Record = nil
	text, c := parser.Canonicalize(taken(size))
	if c != code.OK {
		return answer(c, parser.Pointer())
	}
	return answer(c, text)
}

// verify(size, max_bytes): a signed event in any JSON spelling → verdict.
//
//go:wasmexport verify
func exportVerify(size, maxBytes uint32) uint32 {
	limit(maxBytes)
	one.fill(parser.Verify(taken(size), &found))
	return one.address()
}

// name(size, max_bytes): an event, signed or not → verdict without key. Its
// record lacks nothing; the preimage is what preimage answers next.
//
//go:wasmexport name
func exportName(size, maxBytes uint32) uint32 {
	limit(maxBytes)
	one.fill(parser.Name(taken(size), &found))
	return one.address()
}

// preimage(): the preimage of the event that the last call found.
//
//go:wasmexport preimage
func exportPreimage() uint32 {
	if found.Record == nil {
		return answer(code.InvalidArgument, nil)
	}
	out = found.AppendPreimage(out[:0])
	return answer(code.OK, out)
}

// create(size, max_bytes): created_at (8 bytes), then fields: type, author,
// parents, body, and proofs if there are any → verdict of the unsigned event.
//
//go:wasmexport create
func exportCreate(size, maxBytes uint32) uint32 {
	limit(maxBytes)
	r := reader{rest: taken(size)}
	d := event.Draft{CreatedAt: r.uint64(), Type: r.field(), Author: r.field(), Parents: r.field(), Body: r.field()}
	if len(r.rest) > 0 {
		d.Proofs = r.field()
	}
	if r.bad || len(r.rest) > 0 {
		return refusal(code.InvalidArgument)
	}
	one.fill(parser.Create(&d, &found))
	return one.address()
}

// sign(size, max_bytes): a private key's text as a field, then an unsigned
// event → verdict of the signed event.
//
//go:wasmexport sign
func exportSign(size, maxBytes uint32) uint32 {
	limit(maxBytes)
	v := signEvent(size)
	erase()
	return v
}

//go:noinline
func signEvent(size uint32) uint32 {
	r := reader{rest: taken(size)}
	private := r.field()
	if r.bad {
		return refusal(code.InvalidArgument)
	}
	if c := key.ParsePrivate(&secret, private); c != code.OK {
		return refusal(c)
	}
	one.fill(parser.Sign(r.rest, &secret, &found))
	return one.address()
}

// verify_batch(size, max_bytes): signed events, each a field → as many
// verdicts, one behind the other.
//
//go:wasmexport verify_batch
func exportVerifyBatch(size, maxBytes uint32) uint32 {
	limit(maxBytes)
	r, n := reader{rest: taken(size)}, 0
	for ; len(r.rest) > 0; n++ {
		if r.field(); r.bad || n == batchLimit {
			return answer(code.InvalidArgument, nil)
		}
	}
	if cap(verdicts) < n {
		// Twice as many each time, or what is left behind would add up.
		n := min(max(n, 2*cap(verdicts)), batchLimit)
		verdicts, items, judgement, where = make([]verdict, n), make([]sig.Item, n), make([]code.Code, n), make([]uint32, n)
	}
	verdicts = verdicts[:n]
	items, where = items[:0], where[:0]
	kept = kept[:0]
	r.rest = taken(size)
	for i := range verdicts {
		c := parser.Read(r.field(), &found)
		verdicts[i].keep(c)
		if c == code.OK {
			items = append(items, sig.Item{Public: found.Key, Digest: found.Hash, Signature: found.Signature})
			where = append(where, uint32(i))
		}
	}
	judgement = judgement[:len(items)]
	batch.Verify(items, judgement)
	for i, c := range judgement {
		if parser.Judge(c) != code.OK {
			verdicts[where[i]].keep(c)
		}
	}
	found.Record = nil // preimage is for a single event
	base := address(kept[:0])
	for i := range verdicts {
		v := &verdicts[i]
		for _, w := range [...]*view{&v.record, &v.typeName, &v.author, &v.parents, &v.signature, &v.pointer} {
			w.at += base
		}
	}
	res = result{0, 0, uint32(n) * uint32(unsafe.Sizeof(verdict{}))}
	if n > 0 {
		res.data = verdicts[0].address()
	}
	return uint32(uintptr(unsafe.Pointer(&res)))
}

// keep is fill for a batch: it copies what v views to kept, which may still
// move, so that until the batch is done the views are offsets there.
func (v *verdict) keep(c code.Code) {
	v.fill(c)
	v.pointer.at, v.record.at = uint32(len(kept)), uint32(len(kept))
	if c != code.OK {
		kept = append(kept, parser.Pointer()...)
		return
	}
	e := &found
	record := address(e.Record)
	for _, w := range [...]*view{&v.typeName, &v.author, &v.signature} {
		w.at += v.record.at - record // inside the record
	}
	kept = append(kept, e.Record...)
	v.parents.at = uint32(len(kept))
	for i := range e.NumParents {
		kept = append(kept, e.Parents[i][:]...)
	}
}

// register_types(size): types, each a code and its name as a field; they
// replace those registered before.
//
//go:wasmexport register_types
func exportRegisterTypes(size uint32) uint32 {
	parser.Forget()
	r := reader{rest: taken(size)}
	for len(r.rest) > 0 {
		typeCode, name := r.uint32(), r.field()
		c := code.InvalidArgument
		if !r.bad {
			c = parser.Register(name, typeCode)
		}
		if c != code.OK {
			parser.Forget()
			return answer(c, nil)
		}
	}
	return answer(code.OK, nil)
}

// types(): every known type, a code and its name as a field.
//
//go:wasmexport types
func exportTypes() uint32 {
	out = out[:0]
	parser.Types(func(name []byte, typeCode uint32) bool {
		out = appendUint32(appendUint32(out, typeCode), uint32(len(name)))
		out = append(out, name...)
		return true
	})
	return answer(code.OK, out)
}

// inclusion(size): event hash, root, index and size of the tree (8 bytes
// each), path → whether it is proven.
//
//go:wasmexport inclusion
func exportInclusion(size uint32) uint32 {
	r := reader{rest: taken(size)}
	h, root := r.bytes(digest.Size), r.bytes(digest.Size)
	index, leaves := r.uint64(), r.uint64()
	if r.bad {
		return answer(code.InvalidArgument, nil)
	}
	return answer(merkle.Verify((*digest.Hash)(h), index, leaves, r.rest, (*digest.Hash)(root)), nil)
}

// sha256(size): any bytes → their SHA-256.
//
//go:wasmexport sha256
func exportSHA256(size uint32) uint32 {
	h := digest.SHA256(taken(size))
	out = append(out[:0], h[:]...)
	return answer(code.OK, out)
}
