package reference

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gowebpki/jcs"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// builtin is the table of registered event types, written down a second time.
var builtin = map[string]uint32{
	"CREATE_RELEASE_BUNDLE": 21, "CREATE_GROUP": 22, "ADD_MEMBER": 23, "REMOVE_MEMBER": 24,
	"ADD_CLAIM": 30, "EDIT_CLAIM": 31, "DELETE_CLAIM": 32,
	"VOTE": 40, "LIKE": 41, "DISCUSS": 42,
	"FINALIZE": 50, "DISTRIBUTE_REWARDS": 51,
	"MERGE_NODE": 60, "SPLIT_NODE": 61,
}

// required lists the members of a signed event in the order they are checked.
var required = []string{"v", "type", "author_pubkey", "created_at", "parents", "body", "sig"}

type event struct {
	Result
	key publicKey
	sig string
}

// read takes an event apart and checks all but its key and its signature.
// Where signed is false the signature may be absent.
func read(text []byte, o Options, signed bool) (*event, error) {
	limit := o.MaxBytes
	if limit == 0 {
		limit = DefaultMaxBytes
	}
	if len(text) > limit {
		return nil, refuse(code.TooLarge, "", "")
	}
	record, err := canonical(text, maxEventDepth, true)
	if err != nil {
		return nil, err
	}
	if len(record) > limit {
		return nil, refuse(code.TooLarge, "", "")
	}
	// The canonical text is strict JSON without duplicates, so the standard
	// library's laxness about names does not matter in a map.
	var members map[string]json.RawMessage
	if record[0] != '{' || json.Unmarshal(record, &members) != nil {
		return nil, refuse(code.InvalidField, "", "an event is an object")
	}
	for name := range members {
		if name != "proofs" && !slices.Contains(required, name) {
			return nil, refuse(code.UnknownField, (&scanner{path: []string{name}}).pointer(), "")
		}
	}
	for _, name := range required {
		if members[name] == nil && (name != "sig" || signed) {
			return nil, refuse(code.MissingField, "/"+name, "")
		}
	}
	e := &event{}
	if err := e.fields(members); err != nil {
		return nil, err
	}
	e.Record, e.RecordDigest = record, sum(record)
	delete(members, "sig")
	unsigned, err := json.Marshal(members)
	if err != nil {
		return nil, refuse(code.Internal, "", err.Error())
	}
	// Marshal escapes <, > and & on its way; jcs undoes that.
	if e.Preimage, err = jcs.Transform(unsigned); err != nil {
		return nil, refuse(code.Internal, "", err.Error())
	}
	e.Hash = sum(e.Preimage)
	var ok bool
	if e.TypeCode, ok = builtin[e.Type]; !ok {
		if e.TypeCode, ok = o.Types[e.Type]; !ok {
			return nil, refuse(code.UnknownType, "/type", "")
		}
	}
	return e, nil
}

// fields reads the members, which are in canonical form.
func (e *event) fields(m map[string]json.RawMessage) error {
	bad := func(pointer string) error { return refuse(code.InvalidField, pointer, "") }
	if string(m["v"]) != "1" {
		return bad("/v")
	}
	if !text(m["type"], &e.Type) {
		return bad("/type")
	}
	if !text(m["author_pubkey"], &e.Author) {
		return bad("/author_pubkey")
	}
	at, err := strconv.ParseUint(string(m["created_at"]), 10, 64)
	if err != nil || at > maxSafeInteger {
		return bad("/created_at")
	}
	e.CreatedAt = at
	var parents []json.RawMessage
	if m["parents"][0] != '[' || json.Unmarshal(m["parents"], &parents) != nil || len(parents) > maxParents {
		return bad("/parents")
	}
	for i, raw := range parents {
		var digits string
		if !text(raw, &digits) || len(digits) != 2*digest.Size || strings.ToLower(digits) != digits {
			return bad(fmt.Sprintf("/parents/%d", i))
		}
		h, err := hex.DecodeString(digits)
		if err != nil || slices.Contains(e.Parents, digest.Hash(h)) {
			return bad(fmt.Sprintf("/parents/%d", i))
		}
		e.Parents = append(e.Parents, digest.Hash(h))
	}
	if m["body"][0] != '{' {
		return bad("/body")
	}
	if p := m["proofs"]; p != nil && p[0] != '{' {
		return bad("/proofs")
	}
	if sig := m["sig"]; sig != nil && !text(sig, &e.sig) {
		return bad("/sig")
	}
	return nil
}

func text(raw json.RawMessage, dst *string) bool {
	return raw[0] == '"' && json.Unmarshal(raw, dst) == nil
}

func (e *event) checkAuthor() (err error) {
	if e.key, err = parsePublicKey(e.Author); err != nil {
		return err
	}
	curve := byte(0)
	if e.key.curve == "R1" {
		curve = 1
	}
	e.AuthorKey = hex.EncodeToString(append([]byte{curve}, e.key.point...))
	return nil
}

func (e *event) checkSignature() error {
	s, err := parseSignature(e.sig)
	if err != nil {
		return err
	}
	ok := s.curve == e.key.curve
	if ok && s.curve == "K1" {
		ok = verifyK1(e.key, s, e.Hash)
	} else if ok {
		ok = verifyR1(e.key, s, e.Hash)
	}
	if !ok {
		return refuse(code.SignatureMismatch, "/sig", "")
	}
	return nil
}
