package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"math/big"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// newHouseSigner is another key for an origin.
func newHouseSigner(origin string) (note.Signer, string) {
	private := seed("usurper of " + origin)
	material := append([]byte{1}, private.Public().(ed25519.PublicKey)...)
	skey := fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", origin, keyID(origin, material), base64.StdEncoding.EncodeToString(append([]byte{1}, private.Seed()...)))
	return must(note.NewSigner(skey)), vkeyOf(origin, material)
}

// resigned is a record under another valid signature: the nonce of another digest.
func resigned(record []byte) json.RawMessage {
	var event object
	if err := json.Unmarshal(record, &event); err != nil {
		log.Fatal(err)
	}
	delete(event, "sig")
	hash := sha256.Sum256(canonical(event))
	for k := int64(2); ; k++ {
		if sig, ok := signedWith(eosgoKey(20).String(), hash[:], big.NewInt(k)); ok {
			event["sig"] = sig
			return canonical(event)
		}
	}
}

func (s *stage) trusts() (out []vector) {
	plain := s.file(s.plain)
	add := func(name string, file object, trust, code string, changes object) {
		out = append(out, proven(name, file, trust, s.report(merged(object{"code": code}, changes))))
	}
	untrusted := object{"keys": "untrusted_key"}
	add("another log", plain, s.b.vkey, "untrusted_key", untrusted)
	add("another host", plain, pubK1(s.b.k1), "untrusted_key", untrusted)
	add("the log, another host", plain, s.a.vkey+"\n"+pubK1(s.b.k1), "untrusted_key", untrusted)
	add("another log, the host", plain, s.b.vkey+"\n"+pubK1(s.a.k1), "untrusted_key", untrusted)
	_, usurper := newHouseSigner(s.a.origin)
	add("another key under the log's name", plain, usurper, "untrusted_key", untrusted)
	add("the log's key under another name", plain, vkeyOf("name.example", decoded(" "+s.a.vkey[len(s.a.origin)+10:])), "untrusted_key", untrusted)
	few := func(n int) object {
		parts := object{"keys": "valid", "cosignatures": "insufficient_witnesses", "witnesses": n}
		return parts
	}
	add("nobody has cosigned", plain, s.policy("quorum w1"), "insufficient_witnesses", few(0))
	add("another one has cosigned", s.file(s.a.checkpoint(s.size, s.witnesses[1])), s.policy("quorum w1"), "insufficient_witnesses", few(1))
	add("one of two", s.file(s.a.checkpoint(s.size, s.witnesses[1])), s.policy("group g 2 w1 w2 w3\nquorum g"), "insufficient_witnesses", few(1))
	add("two of all", s.file(s.a.checkpoint(s.size, s.witnesses[1], s.witnesses[2])), s.policy("group g all w1 w2 w3\nquorum g"), "insufficient_witnesses", few(2))
	add("one of a group's two groups", s.file(s.a.checkpoint(s.size, s.witnesses[1], s.witnesses[2])), s.policy("group a all w1 w2\ngroup b all a w3\nquorum b"), "insufficient_witnesses", few(2))
	twice := s.a.checkpoint(s.size, s.witnesses[0])
	twice += strings.SplitAfter(twice, "\n")[6]
	add("one has cosigned twice", s.file(twice), s.policy("group g 2 w1 w2 w3\nquorum g"), "insufficient_witnesses", few(1))
	add("a cosignature of another checkpoint", s.file(s.plain+strings.SplitAfter(s.a.checkpoint(s.size+1, s.witnesses[0]), "\n")[6]), s.policy("quorum none"), "signature_mismatch",
		object{"keys": "valid", "cosignatures": "signature_mismatch"})
	lines := strings.SplitAfter(s.cosigned, "\n")
	spoilt := func(name string, b []byte) {
		add(name, s.file(s.plain+"— "+s.witnesses[0].name+" "+base64.StdEncoding.EncodeToString(b)+"\n"), s.policy("quorum none"), "signature_mismatch", object{"keys": "valid", "cosignatures": "signature_mismatch"})
	}
	w1 := decoded(lines[6])
	spoilt("another time", flipped(w1, 11))
	spoilt("a time of 2^63", append(append(slices.Clone(w1[:4]), 0x80), w1[5:]...))
	spoilt("byte 12 of a cosignature", flipped(w1, 12))
	spoilt("byte 75 of a cosignature", flipped(w1, 75))
	spoilt("s + the order in a cosignature", plusOrder(w1))
	spoilt("a cosignature without its time", append(slices.Clone(w1[:4]), w1[12:]...))
	spoilt("a byte more in a cosignature", append(slices.Clone(w1), 0))

	bad := func(name, trust string, line int) {
		out = append(out, unread("no trust: "+name, plain, trust, "invalid_argument", fmt.Sprintf("/%d", line)))
	}
	w, vkey := s.witnesses[0].vkey, s.a.vkey
	flip := func(text string, at int) string { return string(flipped([]byte(text), at)) }
	bad("words", "trust me", 1)
	bad("a word", "# first\n\nme", 3)
	bad("CRLF", vkey+"\r\n", 1)
	bad("NUL", vkey+"\n\x00", 2)
	bad("DEL", "# \x7f", 1)
	bad("another letter of a log's key", flip(vkey, len(vkey)-6), 1)
	bad("another letter of a log's name", flip(vkey, 3), 1)
	bad("another digit of an ID", flip(vkey, len(s.a.origin)+3), 1)
	bad("an ID in upper case", strings.Replace(vkey, vkey[len(s.a.origin):len(s.a.origin)+9], strings.ToUpper(vkey[len(s.a.origin):len(s.a.origin)+9]), 1), 1)
	bad("a key of 31 bytes", vkeyOf("name.example", append([]byte{1}, make([]byte, 31)...)), 1)
	bad("a key of a type that is not known", vkeyOf("name.example", append([]byte{6}, make([]byte, 32)...)), 1)
	bad("a K1 verifier key", vkeyOf("name.example", append([]byte("\xffeventseal-k1"), s.a.k1.PublicKey().Content...)), 1)
	bad("a name with a no-break space", vkeyOf("name\u00a0example", append([]byte{1}, make([]byte, 32)...)), 1)
	bad("another letter of a host's key", flip(pubK1(s.a.k1), 20), 1)
	bad("a host's key in the older form", s.a.k1.PublicKey().String(), 1)
	bad("a private key", s.a.k1.String(), 1)
	bad("two keys in a line", vkey+" "+s.b.vkey, 1)
	bad("a log twice", vkey+"\nlog "+vkey, 2)
	bad("a host twice", pubK1(s.a.k1)+"\n"+pubK1(s.a.k1), 2)
	bad("a witness twice", "witness a "+w+"\nwitness b "+w+"\nquorum none", 2)
	bad("a witness's key under two names", "witness a "+w+"\nwitness b "+vkeyOf("name.example", decoded(" "+w[len(s.witnesses[0].name)+10:]))+"\nquorum none", 2)
	bad("a log that is a witness", "log "+w, 1)
	bad("a witness that is a log", "witness a "+vkey+"\nquorum none", 1)
	bad("a witness without a key", "witness a\nquorum none", 1)
	bad("a witness without a name", "witness "+w+"\nquorum none", 1)
	bad("a witness called none", "witness none "+w+"\nquorum none", 1)
	bad("a name twice", "witness a "+w+"\nwitness a "+s.witnesses[1].vkey+"\nquorum a", 2)
	bad("no quorum", "log "+vkey+"\nwitness a "+w+"\n# end", 2)
	bad("two quorums", "witness a "+w+"\nquorum none\nquorum a", 3)
	bad("a quorum that is not there", "witness a "+w+"\nquorum b", 2)
	bad("a quorum that comes later", "quorum a\nwitness a "+w, 1)
	bad("a quorum of two", s.policy("quorum w1 w2"), 5)
	bad("a quorum without a name", s.policy("quorum"), 5)
	bad("a group without members", s.policy("group g any\nquorum g"), 5)
	bad("a group without a threshold", s.policy("group g w1\nquorum g"), 5)
	bad("a group of 0", s.policy("group g 0 w1\nquorum g"), 5)
	bad("a group of more than there are", s.policy("group g 3 w1 w2\nquorum g"), 5)
	bad("a group of -1", s.policy("group g -1 w1 w2\nquorum g"), 5)
	bad("a group of 2^64+1", s.policy("group g 18446744073709551617 w1 w2\nquorum g"), 5)
	bad("a member that is not there", s.policy("group g any w1 w4\nquorum g"), 5)
	bad("a member twice", s.policy("group g 2 w1 w1\nquorum g"), 5)
	bad("a member of two groups", s.policy("group g 2 w1 w2\ngroup h any w1 w3\nquorum g"), 6)
	bad("a group in itself", s.policy("group g any g\nquorum g"), 5)
	bad("none as a member", s.policy("group g any none\nquorum g"), 5)
	bad("a group with a witness's name", s.policy("group w1 any w2\nquorum w1"), 5)
	chain := s.chainLine(s.posting(s.size))
	bad("a chain without a contract", chain[:70], 1)
	bad("a chain alone", "chain", 1)
	bad("a chain and a word more", chain+" https://api.example", 1)
	bad("a chain twice", chain+"\n"+chain, 2)
	bad("a chain in upper case", strings.ToUpper(chain), 1)
	bad("a chain's ID in upper case", strings.Replace(chain, chain[6:70], strings.ToUpper(chain[6:70]), 1), 1)
	bad("a chain's ID a digit short", strings.Replace(chain, chain[6:70], chain[6:69], 1), 1)
	bad("a contract that is no name", chain+".", 1)
	bad("a contract in upper case", chain[:71]+"SEAL", 1)
	bad("a contract of 14 characters", chain[:71]+"aaaaaaaaaaaaaa", 1)
	many := chain
	for i := range 16 {
		many += "\n" + chain + string(rune('a'+i))
	}
	bad("17 chains", many, 17)
	bad("a URL too many", "log "+vkey+" https://a.example https://b.example", 1)
	return out
}

func (s *stage) malformedFiles() (out []vector) {
	good := s.file(s.plain)
	text := textOf(good)
	bad := func(name string, file any, code, pointer string) {
		out = append(out, unread(name, file, "", code, pointer))
	}
	without := func(name string) object {
		o := merged(good)
		delete(o, name)
		return o
	}
	bad("empty", "", "invalid_json", "")
	bad("an array", "[]", "invalid_field", "")
	bad("a record", string(s.one.record), "unknown_field", "/author_pubkey")
	bad("two files", text+text, "invalid_json", "")
	bad("cut off", text[:len(text)-1], "invalid_json", "")
	for _, name := range []string{"anchor", "eventseal_proof", "log", "receipt", "record"} {
		bad("without "+name, without(name), "missing_field", "/"+name)
	}
	bad("a member twice", strings.Replace(text, `{"anchor"`, `{"anchor":null,"anchor"`, 1), "duplicate_key", "/anchor")
	bad("a member twice in the record", strings.Replace(text, `"v":1`, `"v":1,"v":1`, 1), "duplicate_key", "/record/v")
	bad("a member more", merged(good, object{"extra": 1}), "unknown_field", "/extra")
	for _, v := range []any{"1", 2, 0, 1.5, nil, true, []int{1}} {
		bad(fmt.Sprintf("version %v", v), merged(good, object{"eventseal_proof": v}), "invalid_field", "/eventseal_proof")
	}
	for _, v := range []any{"", 0, false, []int{}} {
		bad(fmt.Sprintf("anchor %v", v), merged(good, object{"anchor": v}), "invalid_field", "/anchor")
	}
	for _, v := range []any{nil, 1, []string{}, object{}} {
		bad(fmt.Sprintf("log %v", v), merged(good, object{"log": v}), "invalid_field", "/log")
	}
	bad("a lone surrogate in log", strings.Replace(text, "c2sp.org", `\ud800`, 1), "lone_surrogate", "/log")
	bad("an integer that would change", strings.Replace(text, `"n":20`, `"n":9007199254740993`, 1), "number_not_interoperable", "/record/body/n")
	out = append(out, vector{Name: "not UTF-8", Op: "verify_proof", In: object{"text": []any{text[:30], object{"hex": "ff"}, text[30:]}, "trust": ""}, Refuse: &refuse{Code: "invalid_utf8"}})
	out = append(out, vector{Name: "65 deep in the record", Op: "verify_proof", In: object{"text": []any{`{"record":`, object{"repeat": `{"a":`, "times": 65}}, "trust": ""}, Refuse: &refuse{Code: "depth_exceeded"}})
	out = append(out, vector{Name: "too large", Op: "verify_proof", In: object{"text": []any{text, object{"repeat": " ", "times": 1024 + 131072 - len(text) + 1}}, "trust": "", "max_bytes": 1024}, Refuse: &refuse{Code: "too_large"}})
	out = append(out, vector{Name: "as large as may be", Op: "verify_proof", In: object{"text": []any{text, object{"repeat": " ", "times": 1024 + 131072 - len(text)}}, "trust": "", "max_bytes": 1024}, Out: object{"text": s.report(nil)}})

	part := func(name string, file any, code string, changes object) {
		out = append(out, proven(name, file, s.keys(), s.report(merged(object{"code": code, "keys": "valid"}, changes))))
	}
	noRecord := func(code string) object { return object{"record": code, "hash": nil, "author": nil, "type": nil} }
	record := func(old, new string) object {
		return merged(good, object{"record": json.RawMessage(strings.Replace(string(s.one.record), old, new, 1))})
	}
	part("the record is null", merged(good, object{"record": nil}), "invalid_field", noRecord("invalid_field"))
	part("the record lacks its version", record(`,"v":1`, ""), "missing_field", noRecord("missing_field"))
	part("the record has a member more", record(`"v":1`, `"v":1,"w":2`), "unknown_field", noRecord("unknown_field"))
	part("the record is of an unknown type", record("ADD_CLAIM", "ADD_CLAIN"), "unknown_type", noRecord("unknown_type"))
	part("the record has another body", record(`"n":20`, `"n":21`), "signature_mismatch", noRecord("signature_mismatch"))
	long := merged(good, object{"record": json.RawMessage(strings.Replace(string(s.one.record), `"n":20`, `"n":20,"x":"`+strings.Repeat("x", 1024)+`"`, 1))})
	part("the record is over the limit", long, "too_large", noRecord("too_large"))
	out[len(out)-1].In.(object)["max_bytes"] = 1024
	noReceipt := func(code string) object {
		return object{"receipt": code, "checkpoint": "not checked", "keys": "not checked", "key": nil, "log": nil, "origin": nil, "sequence": nil, "admitted_at": nil}
	}
	receipt := func(change func(object)) object {
		r := clone(good["receipt"].(object))
		change(r)
		return merged(good, object{"receipt": r})
	}
	part("the receipt is null", merged(good, object{"receipt": nil}), "invalid_receipt", noReceipt("invalid_receipt"))
	part("the receipt has no sig", receipt(func(r object) { delete(r, "sig") }), "invalid_receipt", noReceipt("invalid_receipt"))
	part("the receipt's sig is not one", receipt(func(r object) { r["sig"] = "SIG_K1_" }), "invalid_signature", noReceipt("invalid_signature"))
	part("neither record nor receipt", merged(good, object{"receipt": nil, "record": nil}), "invalid_field", merged(noRecord("invalid_field"), noReceipt("invalid_receipt"), object{"path": "not checked", "size": nil}))
	part("nothing at all", merged(good, object{"receipt": nil, "record": nil, "log": ""}), "invalid_field",
		merged(noRecord("invalid_field"), noReceipt("invalid_receipt"), object{"path": "invalid_proof", "cosignatures": "not checked", "size": nil}))
	return out
}

func (s *stage) receipts() (out []vector) {
	r := s.a.receipt(s.one, nil)
	report := func(r object, key string) string {
		o := clone(r)
		delete(o, "sig")
		delete(o, "eventseal_receipt")
		o["key"], o["origin"] = key, strings.Split(o["log"].(string), "+")[0]
		return string(canonical(o))
	}
	good := func(name, text string, r object) {
		out = append(out, vector{Name: name, Op: "verify_receipt", In: object{"text": text}, Out: object{"text": report(r, pubK1(s.a.k1))}})
	}
	text := textOf(r)
	good("canonical", text, r)
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(text), "", "  "); err != nil {
		log.Fatal(err)
	}
	good("indented", indented.String(), r)
	good("escapes", strings.Replace(text, "events.example", `events\u002eexample`, 1), r)
	good("numbers in another form", strings.Replace(strings.Replace(text, `"sequence":8`, `"sequence":0.8e1`, 1), `"durable":2`, `"durable":2.0`, 1), r)
	for name, change := range map[string]func(object){
		"nowhere yet":          func(r object) { r["durable"], r["replicas"] = 0, []string{} },
		"more than required":   func(r object) { r["durable"], r["replicas"] = 3, []string{"a", "ab", "b"} },
		"as large as may be":   func(r object) { r["sequence"], r["admitted_at"], r["required"] = 1<<53-1, 1<<53-1, 1<<53-1 },
		"as small as may be":   func(r object) { r["sequence"], r["admitted_at"], r["required"] = 1, 0, 0 },
		"names beyond ASCII":   func(r object) { r["replicas"] = []string{"\uff01", "\U0001f512"} },
		"a name with brackets": func(r object) { r["replicas"] = []string{"[,]", "a]"} },
		"a long name":          func(r object) { r["durable"], r["replicas"] = 1, []string{strings.Repeat("n", 255)} },
	} {
		o := s.a.receipt(s.one, change)
		good(name, textOf(o), o)
	}
	slices.SortFunc(out, func(a, b vector) int { return strings.Compare(a.Name, b.Name) })
	// Whatever is changed, another key comes out, or none.
	changed := func(name string, change func(object)) {
		o := clone(r)
		change(o)
		key, ok := recovered(o)
		v := vector{Name: name, Op: "verify_receipt", In: object{"text": textOf(o)}}
		if ok {
			v.Out = object{"text": report(o, key)}
		} else {
			v.Refuse = &refuse{Code: "signature_mismatch"}
		}
		if ok && key == pubK1(s.a.k1) {
			log.Fatal("the same key")
		}
		out = append(out, v)
	}
	changed("another sequence", func(r object) { r["sequence"] = 9 })
	changed("another hash", func(r object) { r["hash"] = strings.Repeat("00", 32) })
	changed("another record digest", func(r object) { r["record_digest"] = strings.Repeat("00", 32) })
	changed("another time", func(r object) { r["admitted_at"] = 1 })
	changed("fewer required", func(r object) { r["required"] = 1 })
	changed("another replica", func(r object) { r["replicas"] = []string{"local-a", "local-c"} })
	changed("another log", func(r object) { r["log"] = s.b.vkey })

	bad := func(name string, file any, code, pointer string) {
		out = append(out, vector{Name: name, Op: "verify_receipt", In: object{"text": textOf(file)}, Refuse: &refuse{code, &pointer}})
	}
	bad("empty", "", "invalid_json", "")
	bad("an array", "[]", "invalid_receipt", "")
	bad("a string", `"receipt"`, "invalid_receipt", "")
	bad("a member twice", strings.Replace(text, `{"admitted_at"`, `{"admitted_at":1,"admitted_at"`, 1), "duplicate_key", "/admitted_at")
	bad("text after", text+"x", "invalid_json", "")
	for _, name := range []string{"admitted_at", "durable", "eventseal_receipt", "hash", "log", "record_digest", "replicas", "required", "sequence", "sig"} {
		o := clone(r)
		delete(o, name)
		bad("without "+name, o, "invalid_receipt", "/"+name)
		for _, v := range []any{nil, -1, 0.5, "", "x", true, object{}, []any{1}, json.Number("9007199254740992")} {
			o := clone(r)
			o[name] = v
			bad(fmt.Sprintf("%s is %v", name, v), o, map[bool]string{true: "invalid_signature", false: "invalid_receipt"}[name == "sig" && fmt.Sprintf("%T", v) == "string"], "/"+name)
		}
	}
	set := func(name, member string, v any, code string) {
		o := clone(r)
		o[member] = v
		bad(name, o, code, "/"+member)
	}
	bad("a member more", merged(r, object{"note": ""}), "invalid_receipt", "/note")
	set("sequence 0", "sequence", 0, "invalid_receipt")
	set("version 2", "eventseal_receipt", 2, "invalid_receipt")
	set("a hash in upper case", "hash", strings.ToUpper(r["hash"].(string)), "invalid_receipt")
	set("a short hash", "hash", r["hash"].(string)[1:], "invalid_receipt")
	set("a long hash", "hash", r["hash"].(string)+"0", "invalid_receipt")
	set("fewer replicas than durable", "replicas", []string{"local-a"}, "invalid_receipt")
	set("more replicas than durable", "replicas", []string{"a", "b", "c"}, "invalid_receipt")
	set("a replica twice", "replicas", []string{"a", "a"}, "invalid_receipt")
	set("replicas in another order", "replicas", []string{"local-b", "local-a"}, "invalid_receipt")
	set("replicas in another order, a prefix", "replicas", []string{"ab", "a"}, "invalid_receipt")
	set("a replica without a name", "replicas", []string{"", "a"}, "invalid_receipt")
	set("a replica's name with a quote", "replicas", []string{"a", "b\""}, "invalid_receipt")
	set("a replica's name with a line feed", "replicas", []string{"a", "b\n"}, "invalid_receipt")
	set("a replica's name of 256 bytes", "replicas", []string{"a", strings.Repeat("b", 256)}, "invalid_receipt")
	set("a replica that is a number", "replicas", []any{"a", 1}, "invalid_receipt")
	set("a replica that is a list", "replicas", []any{"a", []string{"b"}}, "invalid_receipt")
	set("a log without a key", "log", s.a.origin, "invalid_receipt")
	set("a witness as log", "log", s.witnesses[0].vkey, "invalid_receipt")
	set("a K1 key as log", "log", vkeyOf("name.example", append([]byte("\xffeventseal-k1"), s.a.k1.PublicKey().Content...)), "invalid_receipt")
	set("another ID of the log's key", "log", strings.Replace(s.a.vkey, s.a.vkey[len(s.a.origin):len(s.a.origin)+9], "+00000000", 1), "invalid_receipt")
	set("a log's name with a space", "log", vkeyOf("a b", append([]byte{1}, make([]byte, 32)...)), "invalid_receipt")
	set("an R1 signature", "sig", "SIG_R1_K7KpdLYqa6ebCP22TuiYAY9YoJh1dTWTZEVkdPzdoadFL6f8PkMYk5N8wtsF11cneEJ91XnEZP6wDJHhRyqr1fr68ouYcz", "invalid_signature")
	set("another letter of the signature", "sig", string(flipped([]byte(r["sig"].(string)), 50)), "invalid_signature")
	set("a space behind the signature", "sig", r["sig"].(string)+" ", "invalid_signature")
	set("the other s", "sig", otherSText(r["sig"].(string)), "noncanonical_signature")
	return out
}

func (s *stage) signing() (out []vector) {
	r := s.a.receipt(s.one, nil)
	delete(r, "sig")
	for i := range 40 {
		o := clone(r)
		o["sequence"] = i + 1
		wif := eosgoKey(i % 7).String()
		sum := sha256.Sum256(canonical(o))
		want := clone(o)
		want["sig"] = walked(wif, sum[:])
		text := textOf(o)
		if i%2 == 1 {
			text = " " + strings.ReplaceAll(text, ",", " ,\n")
		}
		out = append(out, vector{Name: fmt.Sprint(i), Op: "sign_receipt", In: object{"text": text, "private": wif}, Out: object{"text": string(canonical(want))}})
	}
	bad := func(name string, r object, private, code, pointer string) {
		out = append(out, vector{Name: name, Op: "sign_receipt", In: object{"text": textOf(r), "private": private}, Refuse: &refuse{code, &pointer}})
	}
	wif := eosgoKey(1).String()
	bad("signed already", s.a.receipt(s.one, nil), wif, "invalid_receipt", "/sig")
	bad("no key", r, "", "invalid_private_key", "")
	bad("a key with another letter", r, string(flipped([]byte(wif), 9)), "invalid_private_key", "")
	bad("a public key", r, pubK1(s.a.k1), "invalid_private_key", "")
	bad("an R1 key", r, "PVT_R1_iyQmnyPEGvFd8uffnk152WC2WryBjgTrg22fXQryuGL9mU6qW", "invalid_private_key", "")
	o := clone(r)
	o["sequence"] = 0
	bad("sequence 0", o, wif, "invalid_receipt", "/sequence")
	return out
}
