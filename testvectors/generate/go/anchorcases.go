package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"slices"
	"strings"
	"time"

	"github.com/eoscanada/eos-go"
)

// anchored is the proof file of the first event with an anchor.
func (s *stage) anchored(anchor object) object {
	return merged(s.file(s.plain), object{"anchor": anchor})
}

func (s *stage) chainLine(p *posting) string {
	return fmt.Sprintf("chain %x %s", p.chain, p.contract)
}

func (s *stage) validAnchors() (out []vector) {
	good := s.posting(s.size).anchor(s)
	proves := func(name string, file any, anchor object, trust string, changes object) {
		out = append(out, proven(name, file, trust, s.report(merged(object{"anchor": "needs chain", "report of the anchor": said(anchor)}, changes))))
	}
	add := func(name string, size uint64, change func(p *posting)) {
		p := s.posting(size)
		change(p)
		a := p.anchor(s)
		proves(name, s.anchored(a), a, "", nil)
	}
	with := func(name string, trust string, changes object) { proves(name, s.anchored(good), good, trust, changes) }
	line := s.chainLine(s.posting(s.size))
	known := object{"keys": "valid"}
	with("the checkpoint's own head", "", nil)
	with("the host is known", s.keys(), known)
	with("the contract is known", line, nil)
	with("the host and the contract are known", s.keys()+"\n"+line+"\n", known)
	other := strings.Replace(line, "seal.anchor", "another", 1)
	elsewhere := "chain " + strings.Repeat("0", 64) + " seal.anchor"
	with("the contract is known among others", other+"\n"+elsewhere+"\n\tchain  "+line[len("chain "):]+" \n", nil)
	many := line
	for i := range 15 {
		many += fmt.Sprintf("\nchain %064x seal.anchor", i)
	}
	with("16 contracts are known", many, nil)
	proves("with cosignatures", merged(s.file(s.cosigned), object{"anchor": good}), good, s.policy("group g all w1 w2 w3\nquorum g")+"\n"+line, object{"keys": "valid", "cosignatures": "valid", "witnesses": 3})
	for _, size := range []uint64{8, 9, 10} {
		add(fmt.Sprintf("a head of %d before the checkpoint of 11", size), size, func(p *posting) {})
	}
	for _, sizes := range [][2]uint64{{8, 9}, {8, 4000}, {9, 4000}, {11, 12}, {11, 16}, {16, 17}, {1024, 2048}, {2047, 2048}, {2048, 4000}, {3999, 4000}, {4000, 4000}} {
		p := s.posting(sizes[0])
		p.to = sizes[1]
		a := p.anchor(s)
		f := s.anchored(a)
		f["log"] = s.a.inclusion(s.one.index, p.to, s.a.checkpoint(p.to))
		proves(fmt.Sprintf("a head of %d before the checkpoint of %d", sizes[0], sizes[1]), f, a, "", object{"size": p.to})
	}

	add("an R1 key", s.size, func(p *posting) { p.signers = []chainKey{chainR1(1)} })
	add("two signatures", s.size, func(p *posting) { p.signers = []chainKey{chainK1(41), chainK1(40)} })
	add("two signatures, the first by an R1 key", s.size, func(p *posting) { p.signers = []chainKey{chainR1(2), chainK1(40)} })
	add("eight signatures", s.size, func(p *posting) {
		p.signers = nil
		for i := range 6 {
			p.signers = append(p.signers, chainK1(40+i))
		}
		p.signers = append(p.signers, chainR1(1), chainR1(2))
	})

	add("the action between others", s.size, func(p *posting) {
		event := make([]byte, 44)
		event[0] = 1
		p.tx.Actions = []*eos.Action{action("seal.anchor", "event", event, "seal.anchor@events"), action("eosio.token", "transfer", make([]byte, 300), "alice@active", "bob@owner"), p.post(), action("a", "b", nil)}
	})
	add("another head's action before it", s.size, func(p *posting) {
		q := s.posting(s.size - 1)
		q.seq--
		p.tx.Actions = []*eos.Action{q.post(), p.post()}
	})
	add("the action twice", s.size, func(p *posting) { p.tx.Actions = append(p.tx.Actions, p.post()) })
	add("authorized by another permission of the contract", s.size, func(p *posting) { p.tx.Actions[0].Authorization[0].Permission = "anchors" })
	add("authorized by others, too", s.size, func(p *posting) {
		p.tx.Actions[0].Authorization = []eos.PermissionLevel{{Actor: "alice", Permission: "active"}, {Actor: "seal.anchor", Permission: "anchors"}, {Actor: "bob", Permission: "active"}}
	})
	add("beside an action without context, and extensions", s.size, func(p *posting) {
		p.tx.ContextFreeActions = []*eos.Action{action("eosio.null", "nonce", []byte{1, 2, 3})}
		p.tx.Extensions = []*eos.Extension{{Type: 1, Data: []byte{7}}, {Type: 65535}}
	})
	add("limits and a delay", s.size, func(p *posting) {
		p.tx.MaxNetUsageWords, p.tx.MaxCPUUsageMS, p.tx.DelaySec = 127, 255, 128
	})
	add("the largest limits", s.size, func(p *posting) { p.tx.MaxNetUsageWords, p.tx.DelaySec = 1<<32-1, 1<<32-1 })
	add("no reference block", s.size, func(p *posting) { p.tx.RefBlockNum, p.tx.RefBlockPrefix = 0, 0 })

	at := func(text string) func(p *posting) { return func(p *posting) { p.time = text } }
	add("in a whole second", s.size, at("2026-11-28T05:00:00.000"))
	add("when it expires", s.size, at("2026-11-28T05:02:00.000"))
	add("half a second before it expires", s.size, at("2026-11-28T05:01:59.500"))
	add("on the first day that there is", s.size, at("2000-01-01T00:00:00.000"))
	add("on a leap day", s.size, at("2024-02-29T23:59:59.500"))
	add("in the last slot that there is", s.size, func(p *posting) {
		p.time, p.tx.Expiration = "2068-01-19T03:14:07.500", eos.JSONTime{Time: time.Date(2068, 1, 19, 3, 14, 8, 0, time.UTC)}
	})
	for _, name := range []string{"a", "z", "12345", "eosio", "abcdefghijkl", "zzzzzzzzzzzz", "1.2.3.4.5", ".a", "............1", "zzzzzzzzzzzzj"} {
		add("a contract called "+name, s.size, func(p *posting) {
			p.contract = name
			p.tx.Actions = []*eos.Action{p.post()}
		})
	}
	add("the first seq", s.size, func(p *posting) {
		p.seq = 1
		p.tx.Actions = []*eos.Action{p.post()}
	})
	add("the largest seq", s.size, func(p *posting) {
		p.seq = 1<<53 - 1
		p.tx.Actions = []*eos.Action{p.post()}
	})
	add("block 1", s.size, func(p *posting) { p.block = 1 })
	add("the last block", s.size, func(p *posting) { p.block = 1<<32 - 1 })

	var indented bytes.Buffer
	if err := json.Indent(&indented, canonical(s.anchored(good)), "", " "); err != nil {
		log.Fatal(err)
	}
	proves("another spelling", indented.String(), good, "", nil)
	spelt := strings.NewReplacer(`"block_num"`, `"block\u005fnum"`, `seal.anchor`, `s\u0065al.anchor`, `"PUB_K1_`, `"\u0050UB_K1_`, `123456789`, `1.23456789E8`).Replace(string(text2(s.anchored(good))))
	proves("escapes", spelt, good, "", nil)
	return out
}

// text2 is a file with its members in no order.
func text2(file object) []byte {
	var b bytes.Buffer
	b.WriteString("{")
	for _, name := range []string{"record", "log", "receipt", "anchor", "eventseal_proof"} {
		fmt.Fprintf(&b, "%q:%s,", name, must(json.Marshal(file[name])))
	}
	b.Truncate(b.Len() - 1)
	b.WriteString("}")
	return b.Bytes()
}

func (s *stage) spoiltAnchors() (out []vector) {
	add := func(name string, anchor any, trust, code string, changes object) {
		out = append(out, proven(name, merged(s.file(s.plain), object{"anchor": anchor}), trust, s.report(merged(object{"code": code, "anchor": code}, changes))))
	}
	good := func() object { return clone(s.posting(s.size).anchor(s)) }
	earlier := func() object { return clone(s.posting(9).anchor(s)) }
	set := func(name, member string, v any, code string) {
		a := good()
		o := a
		if row, rest, ok := strings.Cut(member, "."); ok {
			o, member = a[row].(object), rest
		}
		if v == nil {
			delete(o, member)
		} else {
			o[member] = v
		}
		add(name, a, "", code, nil)
	}
	const malformed, mismatch, unproven = "invalid_anchor", "signature_mismatch", "invalid_proof"

	// What is none.
	add("no members", object{}, "", malformed, nil)
	set("a member more", "extra", 1, malformed)
	set("a member more in the row", "row.code", 1, malformed)
	for _, member := range []string{"block_id", "block_num", "chain_id", "consistency", "contract", "keys", "row", "row.root", "row.seq", "row.size", "row.time", "signatures", "transaction"} {
		set("without "+member, member, nil, malformed)
		for _, v := range []any{json.RawMessage("null"), object{}, []any{1}, ""} {
			set(fmt.Sprintf("%s is %s", member, must(json.Marshal(v))), member, v, malformed)
		}
	}
	for _, member := range []string{"block_num", "row.seq", "row.size"} {
		for _, v := range []any{-1, 1.5, 1e21, true, "42"} {
			set(fmt.Sprintf("%s is %s", member, must(json.Marshal(v))), member, v, malformed)
		}
	}
	for _, member := range []string{"consistency", "keys", "signatures"} {
		for _, v := range []any{[]any{[]any{}}, []any{nil}, []any{"x", []any{"y"}}, []any{"x", 1}} {
			set(fmt.Sprintf("%s is %s", member, must(json.Marshal(v))), member, v, malformed)
		}
	}
	a := good()
	upper := func(member string) string { return strings.ToUpper(a[member].(string)) }
	set("block_id in upper case", "block_id", upper("block_id"), malformed)
	set("block_id a digit short", "block_id", a["block_id"].(string)[1:], malformed)
	set("chain_id in upper case", "chain_id", upper("chain_id"), malformed)
	set("chain_id two digits longer", "chain_id", a["chain_id"].(string)+"00", malformed)
	root := a["row"].(object)["root"].(string)
	set("a root in upper case", "row.root", strings.ToUpper(root), malformed)
	set("a transaction in upper case", "transaction", upper("transaction"), malformed)
	set("block_num as text", "block_num", "123456789", malformed)
	for _, name := range []string{"Seal.anchor", "seal.anchor.", "seal anchor", "seal-anchor", "seal6anchor", "sealanchoraaa.", "zzzzzzzzzzzzk", "seal.anchor\u0000", "säal"} {
		set(fmt.Sprintf("a contract called %q", name), "contract", name, malformed)
	}
	for _, at := range []string{"2026-11-28T05:00:00", "2026-11-28T05:00:00.5", "2026-11-28T05:00:00.500Z", "2026-11-28 05:00:00.500", "2026-11-28T05:00:00.501", "2026-11-28T05:00:00.250", "2026-11-28T05:00:00,500", "2026-11-28t05:00:00.500", "+026-11-28T05:00:00.500",
		"1999-12-31T23:59:59.500", "2026-00-28T05:00:00.500", "2026-13-28T05:00:00.500", "2026-11-00T05:00:00.500", "2026-11-31T05:00:00.500", "2026-02-29T05:00:00.500", "2025-04-31T05:00:00.500", "2024-02-30T05:00:00.500", "2026-11-27T24:00:00.500", "2026-11-28T04:60:00.500",
		"2026-11-28T04:59:60.000", "2026-11-28T05:00:0a.500"} {
		set("the time "+at, "row.time", at, malformed)
	}
	for _, at := range []string{"2026-11-28T05:02:00.500", "2026-11-28T05:02:01.000", "2026-12-28T05:00:00.500", "2068-01-19T03:14:07.500", "2099-12-31T23:59:59.500"} {
		set("the transaction expires before "+at, "row.time", at, malformed)
	}
	late := func(name, at string, expires time.Time) {
		p := s.posting(s.size)
		p.time, p.tx.Expiration = at, eos.JSONTime{Time: expires}
		add(name, p.anchor(s), "", malformed, nil)
	}
	late("the transaction expired before there was a chain", "2026-11-28T05:00:00.500", time.Unix(0, 0).UTC())
	late("a slot after the last", "2068-01-19T03:14:08.000", time.Date(2068, 1, 19, 3, 14, 8, 0, time.UTC))
	late("years after the last slot", "2100-01-01T00:00:00.000", time.Date(2101, 1, 1, 0, 0, 0, 0, time.UTC))

	// The block.
	set("another block_num", "block_num", 123456788, malformed)
	set("a block_num of more than 32 bits", "block_num", 123456789+1<<32, malformed)
	for _, at := range []int{0, 3, 7} {
		set(fmt.Sprintf("digit %d of block_id", at), "block_id", digit(a["block_id"].(string), at), malformed)
	}

	// Numbers and hashes that the transaction does not carry.
	set("another seq", "row.seq", 43, malformed)
	set("another size", "row.size", s.size-1, malformed)
	set("another size, the checkpoint's", "row.size", s.size+1, malformed)
	set("another root", "row.root", hex.EncodeToString(s.a.tree.HashAt(9)), malformed)
	set("another contract", "contract", "seal.anchos", malformed)
	set("chain_id of another chain", "chain_id", digit(a["chain_id"].(string), 63), mismatch)
	transaction := func(name string, change func(b []byte) []byte, code string) {
		b := must(hex.DecodeString(a["transaction"].(string)))
		set(name, "transaction", hex.EncodeToString(change(slices.Clone(b))), code)
	}
	// expiration 0–3, block 4–9, limits 10–12, actions without context 13, actions 14, account 15–22, name 23–30, authorizations 31, actor 32–39, permission 40–47, size 48, data 49–96, extensions 97
	for _, at := range []int{0, 4, 6, 10, 11, 12, 40} {
		transaction(fmt.Sprintf("byte %d of the transaction", at), func(b []byte) []byte { return flipped(b, at) }, mismatch)
	}
	for _, at := range []int{13, 14, 15, 23, 31, 32, 48, 49, 57, 65, 96, 97} {
		transaction(fmt.Sprintf("byte %d of the transaction", at), func(b []byte) []byte { return flipped(b, at) }, malformed)
	}
	transaction("a transaction without its last byte", func(b []byte) []byte { return b[:len(b)-1] }, malformed)
	transaction("a transaction and a byte", func(b []byte) []byte { return append(b, 0) }, malformed)
	transaction("a header alone", func(b []byte) []byte { return b[:13] }, malformed)
	transaction("a count that takes two bytes for one", func(b []byte) []byte { return slices.Concat(b[:10], []byte{0x80, 0}, b[11:]) }, malformed)
	transaction("a count of 33 bits", func(b []byte) []byte { return slices.Concat(b[:10], []byte{0xff, 0xff, 0xff, 0xff, 0x1f}, b[11:]) }, malformed)
	transaction("a count of six bytes", func(b []byte) []byte { return slices.Concat(b[:10], []byte{0x80, 0x80, 0x80, 0x80, 0x80, 1}, b[11:]) }, malformed)
	transaction("2^32-1 actions", func(b []byte) []byte { return slices.Concat(b[:14], []byte{0xff, 0xff, 0xff, 0xff, 0x0f}, b[15:]) }, malformed)
	transaction("2^32-1 authorizations", func(b []byte) []byte { return slices.Concat(b[:31], []byte{0xff, 0xff, 0xff, 0xff, 0x0f}, b[32:]) }, malformed)
	transaction("data of 2^32-1 bytes", func(b []byte) []byte { return slices.Concat(b[:48], []byte{0xff, 0xff, 0xff, 0xff, 0x0f}, b[49:]) }, malformed)
	set("a digit less of the transaction", "transaction", a["transaction"].(string)[1:], malformed)
	set("a signed transaction", "transaction", "01"+strings.Repeat("00", 66)+"0000"+"62"+a["transaction"].(string), malformed)

	// Transactions that carry something else, signed as they are.
	carries := func(name string, change func(p *posting)) {
		p := s.posting(s.size)
		change(p)
		add(name, p.anchor(s), "", malformed, nil)
	}
	carries("no action", func(p *posting) { p.tx.Actions = nil })
	carries("another contract's action", func(p *posting) { p.tx.Actions[0].Account = "another" })
	carries("another action of the contract", func(p *posting) { p.tx.Actions[0].Name = "event" })
	carries("an action that nobody authorizes", func(p *posting) { p.tx.Actions[0].Authorization = nil })
	carries("an action that another account authorizes", func(p *posting) { p.tx.Actions[0].Authorization[0].Actor = "alice" })
	carries("an account's permission that is called as the contract", func(p *posting) {
		p.tx.Actions[0].Authorization[0] = eos.PermissionLevel{Actor: "alice", Permission: "seal.anchor"}
	})
	carries("an authorized action of another, and one of the contract that is not", func(p *posting) {
		p.tx.Actions[0].Authorization[0].Actor = "alice"
		p.tx.Actions = append(p.tx.Actions, action("another", "post", nil, "seal.anchor@active"))
	})
	carries("an action without context", func(p *posting) { p.tx.ContextFreeActions, p.tx.Actions = p.tx.Actions, nil })
	carries("data of a byte more", func(p *posting) {
		p.tx.Actions[0].HexData = append(p.tx.Actions[0].HexData, 0)
	})
	carries("data of a byte less", func(p *posting) { p.tx.Actions[0].HexData = p.tx.Actions[0].HexData[:47] })
	carries("an event of the same bytes", func(p *posting) {
		p.tx.Actions[0] = action(p.contract, "event", p.tx.Actions[0].HexData[:44], "seal.anchor@active")
	})
	carries("big-endian numbers", func(p *posting) {
		b := p.tx.Actions[0].HexData
		binary.BigEndian.PutUint64(b, p.seq)
		binary.BigEndian.PutUint64(b[8:], p.size)
	})

	// Keys and signatures.
	signatures := func(name string, keys, signatures []string, code string) {
		b := good()
		b["keys"], b["signatures"] = keys, signatures
		add(name, b, "", code, nil)
	}
	two := s.posting(s.size)
	two.signers = []chainKey{chainK1(40), chainR1(1)}
	both := two.anchor(s)
	k, g := both["keys"].([]string), both["signatures"].([]string)
	signatures("no signatures", []string{}, []string{}, malformed)
	signatures("a key without a signature", k, g[:1], malformed)
	signatures("a signature without a key", k[:1], g, malformed)
	signatures("no keys", []string{}, g[:1], malformed)
	signatures("keys in the other order", []string{k[1], k[0]}, g, mismatch)
	signatures("another's key", []string{chainK1(41).public}, g[:1], mismatch)
	signatures("a key in its older form", []string{eosgoKey(40).PublicKey().String()}, g[:1], mismatch)
	signatures("a key that is none", []string{""}, g[:1], mismatch)
	signatures("another letter of a key", []string{string(flipped([]byte(k[0]), 20))}, g[:1], mismatch)
	signatures("the second key is another's", []string{k[0], chainR1(2).public}, g, mismatch)
	signatures("another letter of a signature", k[:1], []string{string(flipped([]byte(g[0]), 50))}, malformed)
	signatures("the other s", k[:1], []string{otherSText(g[0])}, malformed)
	signatures("a space behind a signature", k[:1], []string{g[0] + " "}, malformed)
	signatures("a signature that is none", k[:1], []string{"SIG_K1_"}, malformed)
	signatures("a key for a signature", k[:1], k[:1], malformed)
	nine, nineKeys := []string{}, []string{}
	for range 9 {
		nine, nineKeys = append(nine, g[0]), append(nineKeys, k[0])
	}
	signatures("nine signatures", nineKeys, nine, malformed)
	moved := s.posting(s.size)
	moved.tx.RefBlockNum++
	ofMoved := moved.anchor(s)
	signatures("another transaction's signature", k[:1], ofMoved["signatures"].([]string), mismatch)
	set("another transaction of the same key", "transaction", ofMoved["transaction"], mismatch)

	// Another head.
	later := s.posting(s.size + 1)
	later.to = 0
	add("a head after the checkpoint", later.anchor(s), "", unproven, nil)
	before := s.posting(7)
	add("a head before the event", before.anchor(s), "", "proof_mismatch", nil)
	empty := s.posting(0)
	add("an empty head", empty.anchor(s), "", "proof_mismatch", nil)
	strange := s.posting(s.size)
	strange.root = s.b.tree.HashAt(s.size)
	strange.tx.Actions = []*eos.Action{strange.post()}
	add("another log's head of the same size", strange.anchor(s), "", unproven, nil)
	strange = s.posting(9)
	strange.root = s.b.tree.HashAt(9)
	strange.tx.Actions = []*eos.Action{strange.post()}
	add("another log's head of another size", strange.anchor(s), "", unproven, nil)
	for _, size := range []uint64{9, 10, 12} {
		p := s.posting(size)
		p.root, p.to = s.a.tree.HashAt(s.size), 0
		p.tx.Actions = []*eos.Action{p.post()}
		add(fmt.Sprintf("the checkpoint's root of another size, %d", size), p.anchor(s), "", unproven, nil)
	}
	consistency := func(name string, a object, path []string) {
		a["consistency"] = path
		add(name, a, "", unproven, nil)
	}
	path := hexes(must(s.a.tree.ConsistencyProof(9, 11)))
	consistency("consistency for the checkpoint's own head", good(), path)
	consistency("no consistency", earlier(), []string{})
	consistency("consistency without its first hash", earlier(), path[1:])
	consistency("consistency without its last hash", earlier(), path[:len(path)-1])
	consistency("consistency with a hash more", earlier(), append(slices.Clone(path), path[0]))
	consistency("consistency with a hash more in front", earlier(), append([]string{path[0]}, path...))
	reversed := slices.Clone(path)
	slices.Reverse(reversed)
	consistency("consistency in the other order", earlier(), reversed)
	consistency("consistency from 8", earlier(), hexes(must(s.a.tree.ConsistencyProof(8, 11))))
	consistency("consistency from 10", earlier(), hexes(must(s.a.tree.ConsistencyProof(10, 11))))
	consistency("consistency to 12", earlier(), hexes(must(s.a.tree.ConsistencyProof(9, 12))))
	consistency("another log's consistency", earlier(), hexes(must(s.b.tree.ConsistencyProof(9, 11))))
	consistency("consistency of a thousand hashes", earlier(), slices.Repeat(path[:1], 1000))
	for i := range path {
		spoilt := slices.Clone(path)
		spoilt[i] = digit(spoilt[i], 2*i+1)
		consistency(fmt.Sprintf("a digit of hash %d of the consistency", i), earlier(), spoilt)
	}
	for _, h := range []string{path[0][1:], strings.ToUpper(path[0]), path[0] + "0", "]", `"`, `\`, ","} {
		b := earlier()
		b["consistency"] = append([]string{h}, path[1:]...)
		add(fmt.Sprintf("a hash of the consistency that is %q", h), b, "", malformed, nil)
	}

	// Whose contract it is.
	line := s.chainLine(s.posting(s.size))
	add("another contract is known", good(), strings.Replace(line, "seal.anchor", "another", 1), "untrusted_key", nil)
	add("another chain is known", good(), "chain "+strings.Repeat("0", 64)+" seal.anchor", "untrusted_key", nil)
	add("another chain and another contract are known", good(), strings.Replace(line, "seal.anchor", "another", 1)+"\nchain "+strings.Repeat("0", 64)+" seal.anchor", "untrusted_key", nil)
	add("another host is known, and the contract", good(), pubK1(s.b.k1)+"\n"+line, "untrusted_key", object{"anchor": "needs chain", "keys": "untrusted_key", "report of the anchor": said(s.posting(s.size).anchor(s))})

	// Other parts that are wrong.
	beside := func(name string, file object, code string, changes object) {
		out = append(out, proven(name, merged(s.anchored(good()), file), s.keys(), s.report(merged(object{"code": code, "keys": "valid", "anchor": "not checked"}, changes))))
	}
	twoLog := s.a.inclusion(s.two.index, s.size, s.plain)
	beside("another event's log", object{"log": twoLog}, "proof_mismatch", object{"path": "proof_mismatch", "size": nil})
	beside("no log", object{"log": ""}, "invalid_proof", object{"path": "invalid_proof", "checkpoint": "not checked", "cosignatures": "not checked", "size": nil})
	lines := strings.SplitAfter(s.plain, "\n")
	beside("no K1 line", object{"log": s.a.inclusion(7, s.size, strings.Join(lines[:5], ""))}, "invalid_checkpoint", object{"checkpoint": "invalid_checkpoint"})
	beside("no receipt", object{"receipt": nil}, "invalid_receipt",
		object{"receipt": "invalid_receipt", "checkpoint": "not checked", "keys": "not checked", "key": nil, "log": nil, "origin": nil, "sequence": nil, "admitted_at": nil})
	out = append(out, proven("another event's record", merged(s.anchored(good()), object{"record": s.two.record}), s.keys(), s.report(object{"code": "proof_mismatch", "keys": "valid", "anchor": "not checked",
		"hash": hex.EncodeToString(s.two.hash), "author": s.two.author, "type": s.two.kind, "receipt": "proof_mismatch", "path": "invalid_proof", "size": nil})))
	return out
}

// digit is hex with one digit changed.
func digit(text string, at int) string {
	b := []byte(text)
	b[at] = "1032547698badcfe"[strings.IndexByte("0123456789abcdef", b[at])]
	return string(b)
}
