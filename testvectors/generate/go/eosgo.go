package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"

	"github.com/eoscanada/eos-go/ecc"
	"github.com/gowebpki/jcs"
)

func eosgoKey(i int) *ecc.PrivateKey {
	seed := sha256.Sum256(fmt.Appendf(nil, "eventseal test vectors/eos-go key %d", i))
	k, err := ecc.NewDeterministicPrivateKey(bytes.NewReader(seed[:]))
	if err != nil {
		log.Fatal(err)
	}
	return k
}

func eosgoSign(k *ecc.PrivateKey, hash []byte) string {
	s, err := k.Sign(hash)
	if err != nil {
		log.Fatal(err)
	}
	return s.String()
}

func eosgoSignatures() (out []vector) {
	for i := range 30 {
		k := eosgoKey(i % 5)
		d := sha256.Sum256(fmt.Appendf(nil, "eventseal test vectors/eos-go digest %d", i))
		s := eosgoSign(k, d[:])
		in := object{"public": k.PublicKey().String(), "digest": hex.EncodeToString(d[:]), "signature": s}
		out = append(out, vector{Name: fmt.Sprintf("%d", i), Op: "verify_digest", In: in, Out: object{}})
		if i < 5 {
			d[7] ^= 0x10
			in = object{"public": k.PublicKey().String(), "digest": hex.EncodeToString(d[:]), "signature": s}
			out = append(out, vector{Name: fmt.Sprintf("%d, another digest", i), Op: "verify_digest", In: in, Refuse: &refuse{Code: "signature_mismatch"}})
		}
	}
	return out
}

func eosgoEvents() (out []vector) {
	types := []struct {
		name string
		code int
	}{{"VOTE", 40}, {"LIKE", 41}, {"DISCUSS", 42}, {"CREATE_GROUP", 22}, {"FINALIZE", 50}, {"SPLIT_NODE", 61}}
	for i, t := range types {
		k := eosgoKey(i)
		body := json.RawMessage(fmt.Sprintf(`{"z":[1.50,1E3,-0,%d],"\u0061":"\u20ac <&> \ud83d\ude00","n":{"2":null,"10":true}}`, i))
		event := map[string]any{"v": 1, "type": t.name, "author_pubkey": k.PublicKey().String(), "created_at": 1700000000 + i, "parents": []string{}, "body": body}
		preimage := canonical(event)
		hash := sha256.Sum256(preimage)
		event["sig"] = eosgoSign(k, hash[:])
		record := canonical(event)
		digest := sha256.Sum256(record)
		out = append(out, vector{Name: t.name, Op: "verify", In: object{"text": string(record)}, Out: object{
			"hash": hex.EncodeToString(hash[:]), "record": string(record), "record_digest": hex.EncodeToString(digest[:]),
			"type": t.name, "type_code": t.code, "author": k.PublicKey().String(), "author_key": "00" + hex.EncodeToString(k.PublicKey().Content),
			"created_at": 1700000000 + i, "parents": []string{},
		}})
	}
	return out
}

func canonical(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		log.Fatal(err)
	}
	out, err := jcs.Transform(raw)
	if err != nil {
		log.Fatal(err)
	}
	return out
}
