// Package testvectors holds the contract between the implementations of
// Eventseal's format: JSON files of cases, each an operation with what goes in
// and either what comes out or the code that it is refused with. README.md
// says how to read them; generate.sh makes them.
//
// The package is for tests: it embeds the files.
package testvectors

import (
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"
)

//go:embed codes.json canonicalization numbers keys signatures events batch refusals merkle proofs
var files embed.FS

// Anchor holds the files of what goes to a chain: transactions.json and the
// others of the folder anchor. Their cases have forms of their own, which each
// file's description tells; the module has no operation for them.
//
//go:embed anchor
var Anchor embed.FS

// A File is one file of cases.
type File struct {
	Path        string
	Description string
	Cases       []Case
}

// A Case asks for one operation. Exactly one of Out and Refuse is set.
type Case struct {
	Name   string
	Op     string
	In     In
	Out    *Out
	Refuse *Refusal
}

// In holds what the operations take; each takes some of it.
type In struct {
	Text     Text   `json:"text,omitempty"`      // JSON, or the text form of a key or signature
	Texts    []Text `json:"texts,omitempty"`     // JSON, of a batch
	MaxBytes int    `json:"max_bytes,omitempty"` // 0: the default limit
	Types    []Type `json:"types,omitempty"`     // registered beside the built-in ones

	Type      string   `json:"type,omitempty"`
	Author    string   `json:"author_pubkey,omitempty"`
	CreatedAt uint64   `json:"created_at,omitempty"`
	Parents   []string `json:"parents,omitempty"`
	Body      Text     `json:"body,omitempty"`
	Proofs    *Text    `json:"proofs,omitempty"`

	Private   string `json:"private,omitempty"`
	Public    string `json:"public,omitempty"`
	Signature string `json:"signature,omitempty"`
	Digest    Hex    `json:"digest,omitempty"`
	Curve     string `json:"curve,omitempty"`
	Random    Hex    `json:"random,omitempty"`

	Hash  Hex    `json:"hash,omitempty"`
	Index uint64 `json:"index,omitempty"`
	Size  uint64 `json:"size,omitempty"`
	Path  []Hex  `json:"path,omitempty"`
	Root  Hex    `json:"root,omitempty"`

	Trust string `json:"trust,omitempty"` // of a proof file: a trust text
}

// A Type is an event type that a host registers.
type Type struct {
	Name string `json:"name"`
	Code uint32 `json:"code"`
}

// Out holds what the operations give; each gives some of it.
type Out struct {
	Text         Text     `json:"text,omitempty"`
	Preimage     Text     `json:"preimage,omitempty"`
	Hash         string   `json:"hash,omitempty"`
	Record       Text     `json:"record,omitempty"`
	RecordDigest string   `json:"record_digest,omitempty"`
	Type         string   `json:"type,omitempty"`
	TypeCode     uint32   `json:"type_code,omitempty"`
	Author       string   `json:"author,omitempty"`
	AuthorKey    string   `json:"author_key,omitempty"` // curve byte and compressed point
	CreatedAt    uint64   `json:"created_at,omitempty"`
	Parents      []string `json:"parents,omitempty"`

	Curve     string `json:"curve,omitempty"`
	Point     string `json:"point,omitempty"`
	Legacy    string `json:"legacy,omitempty"`
	Public    string `json:"public,omitempty"`
	Private   string `json:"private,omitempty"`
	Signature string `json:"signature,omitempty"`
	Compact   string `json:"compact,omitempty"`

	Items []Item `json:"items,omitempty"`
}

// An Item is the verdict on one event of a batch.
type Item struct {
	Out    *Out     `json:"out,omitempty"`
	Refuse *Refusal `json:"refuse,omitempty"`
}

// A Refusal is a code of codes.json and the place of the fault. A nil Pointer
// asserts nothing about the place; "" is the whole text.
type Refusal struct {
	Code    string  `json:"code"`
	Pointer *string `json:"pointer,omitempty"`
}

// A Text is a sequence of bytes, written in JSON as a string (its UTF-8) or as
// an array of pieces: strings, {"hex": …}, and {"repeat": string, "times": n}.
type Text []byte

func (t *Text) UnmarshalJSON(raw []byte) error {
	var pieces []json.RawMessage
	if json.Unmarshal(raw, &pieces) != nil {
		pieces = []json.RawMessage{raw}
	}
	*t = Text{}
	for _, p := range pieces {
		var piece struct {
			Hex    Hex
			Repeat string
			Times  int
		}
		var s string
		if json.Unmarshal(p, &s) == nil {
			*t = append(*t, s...)
		} else if err := json.Unmarshal(p, &piece); err != nil {
			return err
		} else {
			*t = append(append(*t, piece.Hex...), strings.Repeat(piece.Repeat, piece.Times)...)
		}
	}
	return nil
}

// MarshalJSON writes a string where the bytes are UTF-8, else hex.
func (t Text) MarshalJSON() ([]byte, error) {
	if utf8.Valid(t) {
		return json.Marshal(string(t))
	}
	return json.Marshal([]any{map[string]Hex{"hex": Hex(t)}})
}

// Hex is bytes, written as hex digits.
type Hex []byte

func (h Hex) MarshalJSON() ([]byte, error) { return json.Marshal(hex.EncodeToString(h)) }

func (h *Hex) UnmarshalJSON(raw []byte) (err error) {
	var s string
	if err = json.Unmarshal(raw, &s); err == nil {
		*h, err = hex.DecodeString(s)
	}
	return err
}

// Load reads every file of cases, in the order of their paths.
func Load() (all []File, err error) {
	err = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == "codes.json" {
			return err
		}
		f := File{Path: path}
		raw, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &f); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, f)
		return nil
	})
	return all, err
}

// Codes returns the refusal codes that an implementation of the format gives,
// without those of a host.
func Codes() ([]string, error) {
	raw, err := files.ReadFile("codes.json")
	if err != nil {
		return nil, err
	}
	var list struct {
		Codes []struct{ Code, Origin string }
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	var out []string
	for _, c := range list.Codes {
		if c.Origin == "module" {
			out = append(out, c.Code)
		}
	}
	return out, nil
}
