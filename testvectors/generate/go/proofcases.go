package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"math/big"
	"slices"
	"strings"
)

// proofs writes proofs/: whole proof files against what is trusted, and receipts.
func proofs() {
	s := newStage()
	write("proofs/valid.json", "verify_proof: proof files in which nothing is wrong, with and without cosignatures, and what is trusted.", s.validProofs())
	write("proofs/swapped.json", "verify_proof: a part is another event's, another log's or another key's.", s.swapped())
	write("proofs/log.json", "verify_proof: the member log is malformed, or its signatures are.", s.malformedLogs())
	write("proofs/trust.json", "verify_proof: trust texts: those that are not met, and those that are none.", s.trusts())
	write("proofs/files.json", "verify_proof: what is no proof file, or has a part that is none.", s.malformedFiles())
	write("proofs/anchored.json", "verify_proof: anchors in which nothing is wrong, so that only a chain is needed.", s.validAnchors())
	write("proofs/anchors.json", "verify_proof: anchors that are none, that carry something else, or that are another's.", s.spoiltAnchors())
	write("proofs/receipts.json", "verify_receipt: receipts in any spelling, and what is none.", s.receipts())
	write("proofs/signing.json", "sign_receipt: a receipt without sig → the signed one.", s.signing())
}

// proven is a case of verify_proof with a report.
func proven(name string, file any, trust, report string) vector {
	return vector{Name: name, Op: "verify_proof", In: object{"text": textOf(file), "trust": trust}, Out: object{"text": report}}
}

// unread is one where the file cannot be taken apart.
func unread(name string, file any, trust, code, pointer string) vector {
	return vector{Name: name, Op: "verify_proof", In: object{"text": textOf(file), "trust": trust}, Refuse: &refuse{code, &pointer}}
}

func textOf(file any) string {
	if s, ok := file.(string); ok {
		return s
	}
	return string(canonical(file))
}

// keys is what the host serves at /log/keys.
func (s *stage) keys() string { return s.a.vkey + "\n" + pubK1(s.a.k1) }

func (s *stage) policy(quorum string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "log %s https://example.org/log\n", s.a.vkey)
	for i, w := range s.witnesses {
		fmt.Fprintf(&b, "witness w%d %s\n", i+1, w.vkey)
	}
	return b.String() + quorum + "\n" + pubK1(s.a.k1)
}

func (s *stage) validProofs() (out []vector) {
	plain, cosigned := s.file(s.plain), s.file(s.cosigned)
	trusted := object{"keys": "valid"}
	seen := object{"keys": "valid", "cosignatures": "valid", "witnesses": 3}
	add := func(name string, file any, trust string, changes object) {
		out = append(out, proven(name, file, trust, s.report(changes)))
	}
	add("no trust", plain, "", nil)
	add("a comment and blank lines", plain, "# nothing\n\n \t\n\t# indented", nil)
	add("the log alone, which vouches for no host", plain, s.a.vkey+"\n", nil)
	add("the host, no newline", plain, pubK1(s.a.k1), trusted)
	add("the host", plain, pubK1(s.a.k1)+"\n", trusted)
	add("both", plain, pubK1(s.a.k1)+"\n"+s.a.vkey+"\n", trusted)
	add("both among others", plain, pubK1(s.b.k1)+"\n"+s.b.vkey+"\n"+pubK1(s.a.k1)+"\n"+s.a.vkey+"\n", trusted)
	add("as a policy, without a host", plain, "log "+s.a.vkey+"\nquorum none\n", nil)
	stranger := *s.a
	stranger.k1 = s.b.k1
	forged := s.file("")
	forged["receipt"], forged["log"] = stranger.receipt(s.one, nil), s.a.inclusion(s.one.index, s.size, stranger.checkpoint(s.size))
	add("a host that nobody knows speaks of a known log", forged, s.a.vkey, object{"key": pubK1(s.b.k1)})
	add("cosigned, no trust", cosigned, "", object{"cosignatures": "needs policy"})
	add("cosigned, the log alone", cosigned, s.a.vkey, object{"cosignatures": "needs policy"})
	add("cosigned, a bare witness", cosigned, s.witnesses[1].vkey, object{"cosignatures": "valid", "witnesses": 1})
	add("cosigned, all bare", cosigned, s.keys()+"\n"+s.witnesses[0].vkey+"\n"+s.witnesses[1].vkey+"\n"+s.witnesses[2].vkey+"\n", seen)
	for _, quorum := range []string{"quorum none", "quorum w1", "group g any w1 w2 w3\nquorum g", "group g 2 w1 w2 w3\nquorum g\n", "group g all w1 w2 w3\nquorum g", "group a 1 w1 w2\ngroup b all a w3\nquorum b", "group g  2\tw3 w1 \nquorum  g \n# done\n"} {
		add("cosigned, "+quorum, cosigned, s.policy(quorum), seen)
	}
	add("one of three has cosigned", s.file(s.a.checkpoint(s.size, s.witnesses[2])), s.policy("group g any w1 w2 w3\nquorum g"), object{"keys": "valid", "cosignatures": "valid", "witnesses": 1})
	add("nobody has cosigned, none is asked for", plain, s.policy("quorum none"), trusted)
	add("a witness under another name in the policy", cosigned, "witness anything "+s.witnesses[0].vkey+" https://w.example\nquorum anything", object{"cosignatures": "valid", "witnesses": 1})
	add("a line of somebody unknown", s.file(s.plain+line("unknown.example", 7, make([]byte, 64))), s.keys(), object{"keys": "valid", "cosignatures": "needs policy"})
	add("a line under the log's name with another ID", s.file(s.plain+line(s.a.origin, 7, make([]byte, 64))), s.keys(), object{"keys": "valid", "cosignatures": "needs policy"})
	add("a long line of somebody unknown", s.file(s.plain+line("pq.example", 7, make([]byte, 2428))), s.keys(), object{"keys": "valid", "cosignatures": "needs policy"})
	add("the host's lines in the other order", s.file(swapLines(s.plain)), s.keys(), trusted)
	add("a line that is there twice", s.file(s.plain+strings.SplitAfter(s.plain, "\n")[4]), s.keys(), object{"keys": "valid", "cosignatures": "needs policy"})
	var indented bytes.Buffer
	if err := json.Indent(&indented, canonical(plain), " ", "\t"); err != nil {
		log.Fatal(err)
	}
	add("another spelling", indented.String(), "", nil)
	add("escapes", strings.ReplaceAll(strings.Replace(textOf(plain), "c2sp.org", `\u0063\u0032sp.org`, 1), `\n`, `\u000a`), "", nil)
	add("1.0 for 1", strings.Replace(textOf(plain), `"eventseal_proof":1`, `"eventseal_proof":1.0e0`, 1), "", nil)
	for _, size := range []uint64{8, 9, 16, 17, 4000} {
		f := s.file("")
		f["log"] = s.a.inclusion(s.one.index, size, s.a.checkpoint(size))
		add(fmt.Sprintf("a tree of %d", size), f, s.keys(), object{"keys": "valid", "size": size})
	}
	h := newHouse("a\"b\\c/é€", 30, 1, map[int][]byte{0: s.one.hash})
	e := *s.one
	e.index = 0
	f := object{"eventseal_proof": 1, "anchor": nil, "record": s.one.record, "receipt": h.receipt(&e, nil), "log": h.inclusion(0, 1, h.checkpoint(1))}
	add("a name with quotes, the only leaf", f, h.vkey+"\n"+pubK1(h.k1), object{"keys": "valid", "size": 1, "sequence": 1, "log": h.vkey, "origin": h.origin, "admitted_at": 1758390050123})
	return out
}

// line is a signature line.
func line(name string, id uint32, signature []byte) string {
	return "— " + name + " " + base64.StdEncoding.EncodeToString(append([]byte{byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}, signature...)) + "\n"
}

func swapLines(note string) string {
	lines := strings.SplitAfter(note, "\n")
	lines[4], lines[5] = lines[5], lines[4]
	return strings.Join(lines, "")
}

func (s *stage) swapped() (out []vector) {
	two := object{"record": s.two.record, "receipt": s.a.receipt(s.two, nil), "log": s.a.inclusion(s.two.index, s.size, s.plain)}
	of := func(changes object) object { return merged(s.file(s.plain), changes) }
	add := func(name string, file object, code string, changes object) {
		out = append(out, proven(name, file, s.keys(), s.report(merged(object{"code": code, "keys": "valid"}, changes))))
	}
	ofTwo := object{"hash": hex.EncodeToString(s.two.hash), "author": s.two.author, "type": s.two.kind}
	add("another event's record", of(object{"record": two["record"]}), "proof_mismatch", merged(ofTwo, object{"receipt": "proof_mismatch", "path": "invalid_proof", "size": nil}))
	add("another event's receipt", of(object{"receipt": two["receipt"]}), "proof_mismatch",
		object{"receipt": "proof_mismatch", "path": "proof_mismatch", "size": nil, "sequence": s.two.index + 1, "admitted_at": 1758390050123 + s.two.index})
	add("another event's log", of(object{"log": two["log"]}), "proof_mismatch", object{"path": "proof_mismatch", "size": nil})
	add("another event's record and receipt", of(object{"record": two["record"], "receipt": two["receipt"]}), "proof_mismatch",
		merged(ofTwo, object{"path": "proof_mismatch", "size": nil, "sequence": s.two.index + 1, "admitted_at": 1758390050123 + s.two.index}))
	add("another event's receipt and log", of(object{"receipt": two["receipt"], "log": two["log"]}), "proof_mismatch",
		object{"receipt": "proof_mismatch", "path": "invalid_proof", "size": nil, "sequence": s.two.index + 1, "admitted_at": 1758390050123 + s.two.index})
	add("another event's record and log", of(object{"record": two["record"], "log": two["log"]}), "proof_mismatch", merged(ofTwo, object{"receipt": "proof_mismatch", "path": "proof_mismatch", "size": nil}))

	// The same event, told and logged by another host at the same place.
	b := newHouse(s.b.origin, 31, 20, map[int][]byte{7: s.one.hash})
	atB := b.checkpoint(20)
	add("another log's checkpoint", of(object{"log": s.a.inclusion(7, s.size, atB)}), "proof_mismatch", object{"checkpoint": "proof_mismatch", "path": "invalid_proof", "size": nil})
	add("another log's proof", of(object{"log": b.inclusion(7, 20, atB)}), "proof_mismatch", object{"checkpoint": "proof_mismatch", "size": 20})
	fromB := object{"keys": "untrusted_key", "checkpoint": "proof_mismatch", "log": b.vkey, "origin": b.origin, "key": pubK1(b.k1)}
	add("another host's receipt", of(object{"receipt": b.receipt(s.one, nil)}), "proof_mismatch", fromB)
	add("everything is another host's", of(object{"receipt": b.receipt(s.one, nil), "log": b.inclusion(7, 20, atB)}), "untrusted_key",
		object{"keys": "untrusted_key", "log": b.vkey, "origin": b.origin, "key": pubK1(b.k1), "size": 20})

	// Keys that do not belong together.
	stranger := *s.a
	stranger.k1 = b.k1
	add("the receipt is by another key", of(object{"receipt": stranger.receipt(s.one, nil)}), "invalid_checkpoint", object{"checkpoint": "invalid_checkpoint", "keys": "untrusted_key", "key": pubK1(b.k1)})
	add("the checkpoint's K1 line is by another key", of(object{"log": s.a.inclusion(7, s.size, stranger.checkpoint(s.size))}), "invalid_checkpoint", object{"checkpoint": "invalid_checkpoint"})
	add("receipt and K1 line are by another key", of(object{"receipt": stranger.receipt(s.one, nil), "log": s.a.inclusion(7, s.size, stranger.checkpoint(s.size))}), "untrusted_key",
		object{"keys": "untrusted_key", "key": pubK1(b.k1)})
	renamed := newHouse(s.a.origin+"0", 30, 11, map[int][]byte{7: s.one.hash})
	add("the receipt names another log of the host", of(object{"receipt": renamed.receipt(s.one, nil)}), "proof_mismatch",
		object{"checkpoint": "proof_mismatch", "keys": "untrusted_key", "log": renamed.vkey, "origin": renamed.origin})
	usurper := *s.a
	usurper.signer, usurper.vkey = newHouseSigner(s.a.origin)
	add("the receipt names another key under the log's name", of(object{"receipt": usurper.receipt(s.one, nil)}), "invalid_checkpoint",
		object{"checkpoint": "invalid_checkpoint", "keys": "untrusted_key", "log": usurper.vkey})

	// Other sequence numbers, and other digests.
	for _, n := range []uint64{7, 9, 1, 1<<53 - 1} {
		add(fmt.Sprintf("the receipt says sequence %d", n), of(object{"receipt": s.a.receipt(s.one, func(r object) { r["sequence"] = n })}), "proof_mismatch", object{"path": "proof_mismatch", "size": nil, "sequence": n})
	}
	add("the receipt has another hash", of(object{"receipt": s.a.receipt(s.one, func(r object) { r["hash"] = hex.EncodeToString(s.two.hash) })}), "proof_mismatch", object{"receipt": "proof_mismatch"})
	add("the receipt has another record digest", of(object{"receipt": s.a.receipt(s.one, func(r object) { r["record_digest"] = hex.EncodeToString(s.two.digest) })}), "proof_mismatch", object{"receipt": "proof_mismatch"})
	again := resigned(s.one.record)
	add("the event under another valid signature", of(object{"record": again}), "proof_mismatch", object{"receipt": "proof_mismatch"})
	add("a root of another size", of(object{"log": s.a.inclusion(7, s.size, s.a.checkpoint(s.size+1))}), "invalid_proof", object{"path": "invalid_proof", "size": nil})
	return out
}

func (s *stage) malformedLogs() (out []vector) {
	good := s.a.inclusion(7, s.size, s.plain)
	lines := strings.SplitAfter(good, "\n")
	blank := slices.Index(lines, "\n")
	note := strings.Join(lines[blank+1:], "")
	add := func(name, text, code string, changes object) {
		out = append(out, proven(name, merged(s.file(s.plain), object{"log": text}), s.keys(), s.report(merged(object{"code": code, "keys": "valid"}, changes))))
	}
	noPath := object{"path": "invalid_proof", "checkpoint": "not checked", "cosignatures": "not checked", "size": nil}
	for _, c := range []struct{ name, text string }{
		{"empty", ""}, {"no newline", lines[0][:len(lines[0])-1]}, {"header alone", lines[0]}, {"no checkpoint and no blank line", strings.Join(lines[:blank], "")},
		{"another version", strings.Replace(good, "@v1", "@v2", 1)}, {"a space before", " " + good}, {"CRLF", strings.ReplaceAll(good, "\n", "\r\n")}, {"a byte-order mark", "\ufeff" + good},
		{"extra data", strings.Replace(good, "index", "extra AAAA\nindex", 1)}, {"no index", strings.Replace(good, lines[1], "", 1)}, {"index twice", strings.Replace(good, lines[1], lines[1]+lines[1], 1)},
		{"index 007", strings.Replace(good, "index 7", "index 007", 1)}, {"index +7", strings.Replace(good, "index 7", "index +7", 1)}, {"index -7", strings.Replace(good, "index 7", "index -7", 1)},
		{"index 7.0", strings.Replace(good, "index 7", "index 7.0", 1)}, {"index without a number", strings.Replace(good, "index 7", "index ", 1)}, {"two spaces", strings.Replace(good, "index 7", "index  7", 1)},
		{"a space after", strings.Replace(good, "index 7", "index 7 ", 1)}, {"INDEX", strings.Replace(good, "index 7", "INDEX 7", 1)}, {"index 2^63", strings.Replace(good, "index 7", "index 9223372036854775808", 1)},
		{"index 2^64+7", strings.Replace(good, "index 7", "index 18446744073709551623", 1)}, {"a hash of 31 bytes", good[:strings.Index(good, lines[2])] + base64.StdEncoding.EncodeToString(make([]byte, 31)) + "\n" + good[strings.Index(good, lines[3]):]},
		{"a hash of 33 bytes", strings.Replace(good, lines[2], base64.StdEncoding.EncodeToString(make([]byte, 33))+"\n", 1)},
		{"a hash without padding", strings.Replace(good, "=\n", "\n", 1)}, {"a hash with two", strings.Replace(good, "=\n", "==\n", 1)}, {"a hash with bits to spare", strings.Replace(good, lines[2], spare(lines[2]), 1)},
		{"a hash in the other alphabet", strings.Replace(good, lines[2], "-_-_"+lines[2][4:], 1)}, {"a hash with a space before", strings.Replace(good, lines[2], " "+lines[2], 1)},
		{"64 hashes", lines[0] + lines[1] + strings.Repeat(lines[2], 64) + "\n" + note},
	} {
		add(c.name, c.text, "invalid_proof", noPath)
	}
	broken := object{"path": "invalid_proof", "size": nil}
	add("a hash less", strings.Replace(good, lines[3], "", 1), "invalid_proof", broken)
	add("a hash more", strings.Replace(good, lines[3], lines[3]+lines[3], 1), "invalid_proof", broken)
	add("hashes in the other order", strings.Replace(good, lines[2]+lines[3], lines[3]+lines[2], 1), "invalid_proof", broken)
	add("63 hashes", lines[0]+lines[1]+strings.Repeat(lines[2], 63)+"\n"+note, "invalid_proof", broken)
	add("no hash", lines[0]+lines[1]+"\n"+note, "invalid_proof", broken)
	add("index 2^63-1", strings.Replace(good, "index 7", "index 9223372036854775807", 1), "proof_mismatch", merged(broken, object{"path": "proof_mismatch"}))
	add("index 8", strings.Replace(good, "index 7", "index 8", 1), "proof_mismatch", merged(broken, object{"path": "proof_mismatch"}))

	head := strings.Join(lines[:blank+1], "")
	nl := strings.SplitAfter(note, "\n") // origin, size, root, blank, Ed25519, K1
	noNote := object{"checkpoint": "invalid_checkpoint", "path": "not checked", "cosignatures": "not checked", "size": nil}
	for _, c := range []struct{ name, text string }{
		{"no checkpoint", ""}, {"text alone", nl[0] + nl[1] + nl[2]}, {"no signatures", nl[0] + nl[1] + nl[2] + "\n"}, {"no blank line", nl[0] + nl[1] + nl[2] + nl[4] + nl[5]},
		{"two blank lines", nl[0] + nl[1] + nl[2] + "\n\n" + nl[4] + nl[5]}, {"an extension line", nl[0] + nl[1] + nl[2] + "extension\n\n" + nl[4] + nl[5]},
		{"no last newline", note[:len(note)-1]}, {"a newline more", note + "\n"}, {"CRLF in the note", strings.ReplaceAll(note, "\n", "\r\n")}, {"text after", note + "text\n"},
		{"no origin", "\n" + nl[1] + nl[2] + "\n" + nl[4] + nl[5]}, {"an origin with a space", strings.Replace(note, "/log", "/ log", 1)}, {"an origin with a plus", strings.Replace(note, "/log", "+log", 1)},
		{"an origin with a no-break space", strings.Replace(note, "/log", "\u00a0log", 1)}, {"an origin with an em space", strings.Replace(note, "/log", "\u2003log", 1)}, {"an origin with a control character", strings.Replace(note, "/log", "\u0085log", 1)},
		{"an origin with DEL", strings.Replace(note, "/log", "\u007flog", 1)}, {"an origin of 256 bytes", strings.Replace(note, "/log", strings.Repeat("x", 256-len(nl[0])+5), 1)},
		{"size 011", strings.Replace(note, "\n11\n", "\n011\n", 1)}, {"size +11", strings.Replace(note, "\n11\n", "\n+11\n", 1)}, {"no size", strings.Replace(note, "\n11\n", "\n\n", 1)}, {"size 0xb", strings.Replace(note, "\n11\n", "\n0xb\n", 1)},
		{"size 2^63", strings.Replace(note, "\n11\n", "\n9223372036854775808\n", 1)}, {"a root of 31 bytes", strings.Replace(note, nl[2], base64.StdEncoding.EncodeToString(make([]byte, 31))+"\n", 1)},
		{"a root with bits to spare", strings.Replace(note, nl[2], spare(nl[2]), 1)}, {"a hyphen for the dash", strings.Replace(note, "— ", "- ", 1)}, {"no space after the dash", strings.Replace(note, "— ", "—", 1)},
		{"two spaces after the dash", strings.Replace(note, "— ", "—  ", 1)}, {"a line without a name", note + "—  AAAAAAA=\n"}, {"a line without a signature", note + "— name.example\n"}, {"an empty signature", note + "— name.example \n"},
		{"a signature of an ID alone", note + "— name.example AAAAAA==\n"}, {"a signature that is not Base64", note + "— name.example AAAAAA*=\n"}, {"a signature with bits to spare", note + "— name.example AAAAAAB=\n"},
		{"a name with a space", note + "— name example AAAAAAA=\n"}, {"a space behind a signature", note + "— name.example AAAAAAA= \n"}, {"65 lines", note + strings.Repeat("— name.example AAAAAAA=\n", 63)},
		{"over 16 KiB", note + line("name.example", 7, make([]byte, 12200))},
	} {
		add(c.name, head+c.text, "invalid_checkpoint", noNote)
	}
	add("64 lines", head+note+strings.Repeat("— name.example AAAAAAA=\n", 62), "", object{"code": "", "cosignatures": "needs policy"})
	add("no Ed25519 line", head+nl[0]+nl[1]+nl[2]+"\n"+nl[5], "invalid_checkpoint", object{"checkpoint": "invalid_checkpoint"})
	add("no K1 line", head+nl[0]+nl[1]+nl[2]+"\n"+nl[4], "invalid_checkpoint", object{"checkpoint": "invalid_checkpoint"})
	add("a line of neither", head+nl[0]+nl[1]+nl[2]+"\n"+"— name.example AAAAAAA=\n", "invalid_checkpoint", object{"checkpoint": "invalid_checkpoint"})
	forged := func(name, note string, changes object) {
		add(name, head+note, "signature_mismatch", merged(object{"checkpoint": "signature_mismatch"}, changes))
	}
	ed, k1 := decoded(nl[4]), decoded(nl[5])
	with := func(i int, name string, signature []byte) string {
		all := slices.Clone(nl)
		all[i] = "— " + name + " " + base64.StdEncoding.EncodeToString(signature) + "\n"
		return strings.Join(all, "")
	}
	for _, at := range []int{4, 35, 36, 66, 67} {
		forged(fmt.Sprintf("byte %d of the Ed25519 line", at), with(4, s.a.origin, flipped(ed, at)), nil)
	}
	forged("s + the order", with(4, s.a.origin, plusOrder(ed)), nil)
	forged("a byte more in the Ed25519 line", with(4, s.a.origin, append(slices.Clone(ed), 0)), nil)
	forged("a byte less in the Ed25519 line", with(4, s.a.origin, ed[:len(ed)-1]), nil)
	forged("a second Ed25519 line that does not verify", note+"— "+s.a.origin+" "+base64.StdEncoding.EncodeToString(flipped(ed, 40))+"\n", object{"cosignatures": "needs policy"})
	for _, at := range []int{4, 5, 36, 37, 68} {
		forged(fmt.Sprintf("byte %d of the K1 line", at), with(5, s.a.origin, flipped(k1, at)), nil)
	}
	forged("the K1 line's s is the other one", with(5, s.a.origin, otherS(k1)), nil)
	forged("a byte more in the K1 line", with(5, s.a.origin, append(slices.Clone(k1), 0)), nil)
	forged("the K1 line has the Ed25519 line's signature", with(5, s.a.origin, append(slices.Clone(k1[:4]), ed[4:]...)), nil)
	forged("another size is signed", strings.Replace(note, "\n11\n", "\n12\n", 1), object{"size": 12}) // whose paths to this leaf are as long
	forged("another root is signed", strings.Replace(note, nl[2], base64.StdEncoding.EncodeToString(s.a.tree.HashAt(12))+"\n", 1), object{"path": "invalid_proof", "size": nil})
	add("the lines are another origin's", head+strings.ReplaceAll(note, "— "+s.a.origin, "— "+s.b.origin), "invalid_checkpoint", object{"checkpoint": "invalid_checkpoint"})
	return out
}

func decoded(line string) []byte {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line[strings.LastIndex(line, " ")+1:]))
	if err != nil {
		log.Fatal(err)
	}
	return b
}

func flipped(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 1
	return b
}

// spare sets a bit that padded Base64 of 32 bytes has to spare.
func spare(line string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	b := []byte(line)
	at := len(line) - 3 // before "=\n"
	b[at] = alphabet[strings.IndexByte(alphabet, b[at])|1]
	return string(b)
}

// plusOrder adds the group's order to s of an Ed25519 line.
func plusOrder(line []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	out := slices.Clone(line)
	le := out[len(out)-32:]
	slices.Reverse(le)
	new(big.Int).Add(new(big.Int).SetBytes(le), order).FillBytes(le)
	slices.Reverse(le)
	return out
}

// otherS is the ECDSA signature with n − s and the other recovery id.
func otherS(line []byte) []byte {
	n, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	out := slices.Clone(line)
	s := out[len(out)-32:]
	new(big.Int).Sub(n, new(big.Int).SetBytes(s)).FillBytes(s)
	out[4] = 31 + (out[4] - 31) ^ 1
	return out
}
