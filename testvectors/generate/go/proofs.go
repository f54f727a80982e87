package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"maps"

	"filippo.io/torchwood"
	"github.com/eoscanada/eos-go/btcsuite/btcutil/base58"
	"github.com/eoscanada/eos-go/ecc"
	tlogproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
	"golang.org/x/crypto/ripemd160"
	"golang.org/x/mod/sumdb/note"
)

// A house is a host: its keys and the log that it keeps.
type house struct {
	origin string
	signer note.Signer // Ed25519, by x/mod
	vkey   string
	k1     *ecc.PrivateKey
	tree   *testonly.Tree
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

func seed(what string) ed25519.PrivateKey {
	s := sha256.Sum256([]byte("eventseal test vectors/" + what))
	return ed25519.NewKeyFromSeed(s[:])
}

func keyID(name string, material []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), material...))
	return binary.BigEndian.Uint32(sum[:])
}

func vkeyOf(name string, material []byte) string {
	return fmt.Sprintf("%s+%08x+%s", name, keyID(name, material), base64.StdEncoding.EncodeToString(material))
}

// newHouse has a log in which the events are where at says.
func newHouse(origin string, n int, size int, at map[int][]byte) *house {
	private := seed("log key " + origin)
	material := append([]byte{1}, private.Public().(ed25519.PublicKey)...)
	skey := fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", origin, keyID(origin, material), base64.StdEncoding.EncodeToString(append([]byte{1}, private.Seed()...)))
	h := &house{origin: origin, signer: must(note.NewSigner(skey)), k1: eosgoKey(n), tree: testonly.New(rfc6962.DefaultHasher)}
	h.vkey = must(note.NewEd25519VerifierKey(origin, private.Public().(ed25519.PublicKey)))
	for i := range size {
		if hash := at[i]; hash != nil {
			h.tree.AppendData(hash)
		} else {
			h.tree.AppendData(leaf(i))
		}
	}
	return h
}

// A noteSigner signs as another kind of key does.
type noteSigner struct {
	name string
	id   uint32
	sign func(text []byte) []byte
}

func (s noteSigner) Name() string                     { return s.name }
func (s noteSigner) KeyHash() uint32                  { return s.id }
func (s noteSigner) Sign(text []byte) ([]byte, error) { return s.sign(text), nil }

func k1Signer(name string, k *ecc.PrivateKey) noteSigner {
	return noteSigner{name, keyID(name, append([]byte("\xffeventseal-k1"), k.PublicKey().Content...)), func(text []byte) []byte {
		sum := sha256.Sum256(text)
		return must(k.Sign(sum[:])).Content
	}}
}

// A watcher is a witness.
type watcher struct {
	noteSigner
	vkey     string
	verifier note.Verifier // torchwood's
}

func witness(name string) watcher {
	private := seed("witness key " + name)
	material := append([]byte{4}, private.Public().(ed25519.PublicKey)...)
	w := watcher{vkey: vkeyOf(name, material), verifier: must(torchwood.NewCosignatureSigner(name, private)).Verifier()}
	w.noteSigner = noteSigner{name, keyID(name, material), func(text []byte) []byte {
		const at = 1758390100
		return append(binary.BigEndian.AppendUint64(nil, at), ed25519.Sign(private, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text))...)
	}}
	return w
}

// checkpoint signs the head of the first size leaves. Go's own library and
// torchwood open it.
func (h *house) checkpoint(size uint64, witnesses ...watcher) string {
	text := fmt.Sprintf("%s\n%d\n%s\n", h.origin, size, base64.StdEncoding.EncodeToString(h.tree.HashAt(size)))
	signers := []note.Signer{h.signer, k1Signer(h.origin, h.k1)}
	verifiers := []note.Verifier{must(note.NewVerifier(h.vkey))}
	for _, w := range witnesses {
		signers = append(signers, w)
		verifiers = append(verifiers, w.verifier)
	}
	signed := must(note.Sign(&note.Note{Text: text}, signers...))
	opened := must(note.Open(signed, note.VerifierList(verifiers...)))
	if len(opened.Sigs) != len(verifiers) || len(opened.UnverifiedSigs) != 1 {
		log.Fatalf("x/mod and torchwood verify %d lines of\n%s", len(opened.Sigs), signed)
	}
	if c := must(torchwood.ParseCheckpoint(opened.Text)); c.Origin != h.origin || uint64(c.N) != size {
		log.Fatalf("torchwood reads %+v", c)
	}
	return string(signed)
}

// inclusion is the tlog-proof of a leaf.
func (h *house) inclusion(index, size uint64, checkpoint string) string {
	path := must(h.tree.InclusionProof(index, size))
	p := tlogproof.TLogProof{Index: index, Checkpoint: []byte(checkpoint)}
	for _, b := range path {
		p.Hashes = append(p.Hashes, [32]byte(b))
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, h.tree.LeafHash(index), path, h.tree.HashAt(size)); err != nil {
		log.Fatal(err)
	}
	return string(p.Marshal())
}

// receipt is the signed receipt of an event; change may still change it.
func (h *house) receipt(e *logged, change func(object)) object {
	r := object{"eventseal_receipt": 1, "hash": hex.EncodeToString(e.hash), "record_digest": hex.EncodeToString(e.digest), "sequence": e.index + 1,
		"admitted_at": 1758390050123 + e.index, "durable": 2, "required": 2, "replicas": []string{"local-a", "local-b"}, "log": h.vkey}
	if change != nil {
		change(r)
	}
	sum := sha256.Sum256(canonical(r))
	r["sig"] = eosgoSign(h.k1, sum[:])
	return r
}

// A logged event is one that is in a log.
type logged struct {
	index        uint64
	kind, author string
	hash, digest []byte
	record       json.RawMessage
}

func newLogged(i int, index uint64, kind string) *logged {
	k := eosgoKey(i)
	e := &logged{index: index, kind: kind, author: k.PublicKey().String()}
	event := object{"v": 1, "type": kind, "author_pubkey": e.author, "created_at": 1758390021 + i, "parents": []string{}, "body": object{"n": i, "text": "an event in a log \u20ac\n"}}
	hash := sha256.Sum256(canonical(event))
	event["sig"] = eosgoSign(k, hash[:])
	record := canonical(event)
	digest := sha256.Sum256(record)
	e.hash, e.digest, e.record = hash[:], digest[:], record
	return e
}

// A stage is all that the cases are made of.
type stage struct {
	a, b      *house
	one, two  *logged // events of a
	other     *logged // of b, at one's index
	witnesses []watcher
	size      uint64
	plain     string // a's checkpoint without cosignatures
	cosigned  string // with those of all witnesses
}

func newStage() *stage {
	s := &stage{one: newLogged(20, 7, "ADD_CLAIM"), two: newLogged(21, 8, "VOTE"), other: newLogged(22, 7, "LIKE"), size: 11}
	s.a = newHouse("events.example.org/log/7c31a88e7c31a88e", 30, 4000, map[int][]byte{7: s.one.hash, 8: s.two.hash})
	s.b = newHouse("other.example.net/log/0123456789abcdef", 31, 20, map[int][]byte{7: s.other.hash})
	for _, name := range []string{"witness.example.org/w1", "w2.example.net", "w3.example.com"} {
		s.witnesses = append(s.witnesses, witness(name))
	}
	s.plain, s.cosigned = s.a.checkpoint(s.size), s.a.checkpoint(s.size, s.witnesses...)
	return s
}

// file is the proof file of the first event, with cosignatures or without.
func (s *stage) file(checkpoint string) object {
	return object{"eventseal_proof": 1, "anchor": nil, "record": s.one.record, "receipt": s.a.receipt(s.one, nil), "log": s.a.inclusion(s.one.index, s.size, checkpoint)}
}

// report is what is said of such a file if nothing is wrong, with some parts
// or members said otherwise; nil leaves one out.
func (s *stage) report(changes object) string {
	parts := object{"anchor": "absent", "checkpoint": "valid", "cosignatures": "absent", "keys": "needs keys", "path": "valid", "receipt": "valid", "record": "valid"}
	r := object{"code": "", "valid": true, "witnesses": 0, "hash": hex.EncodeToString(s.one.hash), "author": s.one.author, "type": s.one.kind, "admitted_at": 1758390050123 + s.one.index,
		"key": pubK1(s.a.k1), "log": s.a.vkey, "origin": s.a.origin, "sequence": s.one.index + 1, "size": s.size, "parts": parts}
	for name, v := range changes {
		switch _, part := parts[name]; {
		case name == "report of the anchor":
			r["anchor"] = v
		case part:
			parts[name] = v
		case v == nil:
			delete(r, name)
		default:
			r[name] = v
		}
	}
	r["valid"] = r["code"] == ""
	return string(canonical(r))
}

// pubK1 is the key's text in the form that eos-go does not write.
func pubK1(k *ecc.PrivateKey) string { return pointText(k.PublicKey().Content) }

func pointText(point []byte) string {
	h := ripemd160.New()
	h.Write(append(bytes.Clone(point), "K1"...))
	return "PUB_K1_" + base58.Encode(append(bytes.Clone(point), h.Sum(nil)[:4]...))
}

func clone(o object) object {
	var out object
	d := json.NewDecoder(bytes.NewReader(must(json.Marshal(o))))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		log.Fatal(err)
	}
	return out
}

func merged(changes ...object) object {
	out := object{}
	for _, c := range changes {
		maps.Copy(out, c)
	}
	return out
}
