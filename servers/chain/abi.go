package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// An abi says how the data of actions and the rows of tables are read
// (libraries/chain/include/eosio/chain/abi_def.hpp).
type abi struct {
	json   []byte
	packed []byte // as setabi stores it, and as its RAM is billed
	def    abiDef
}

type abiDef struct {
	Version string `json:"version"`
	Types   []struct {
		New  string `json:"new_type_name"`
		Type string `json:"type"`
	} `json:"types"`
	Structs []struct {
		Name   string `json:"name"`
		Base   string `json:"base"`
		Fields []struct {
			Name string `json:"name"`
			Type string `json:"type"`
		} `json:"fields"`
	} `json:"structs"`
	Actions []struct {
		Name      string `json:"name"`
		Type      string `json:"type"`
		Ricardian string `json:"ricardian_contract"`
	} `json:"actions"`
	Tables []struct {
		Name     string   `json:"name"`
		Index    string   `json:"index_type"`
		KeyNames []string `json:"key_names"`
		KeyTypes []string `json:"key_types"`
		Type     string   `json:"type"`
	} `json:"tables"`
	Clauses []struct {
		ID   string `json:"id"`
		Body string `json:"body"`
	} `json:"ricardian_clauses"`
	Errors     []json.RawMessage `json:"error_messages"`
	Extensions []json.RawMessage `json:"abi_extensions"`
	Variants   []json.RawMessage `json:"variants"`
	Results    []json.RawMessage `json:"action_results"`
}

func parseABI(text []byte) (*abi, error) {
	a := &abi{json: text}
	if err := json.Unmarshal(text, &a.def); err != nil {
		return nil, fmt.Errorf("chain: the ABI: %w", err)
	}
	d := &a.def
	if len(d.Errors)+len(d.Extensions)+len(d.Variants)+len(d.Results) > 0 {
		return nil, errors.New("chain: the ABI has error messages, extensions, variants or results, which are not known here")
	}
	var err error
	a.packed, err = d.pack()
	return a, err
}

func (d *abiDef) pack() ([]byte, error) {
	var failed error
	var b []byte
	count := func(n int) { b = binary.AppendUvarint(b, uint64(n)) }
	text := func(texts ...string) {
		for _, s := range texts {
			count(len(s))
			b = append(b, s...)
		}
	}
	named := func(s string) {
		n, err := parseName(s)
		failed = errors.Join(failed, err)
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	text(d.Version)
	count(len(d.Types))
	for _, t := range d.Types {
		text(t.New, t.Type)
	}
	count(len(d.Structs))
	for _, s := range d.Structs {
		text(s.Name, s.Base)
		count(len(s.Fields))
		for _, f := range s.Fields {
			text(f.Name, f.Type)
		}
	}
	count(len(d.Actions))
	for _, a := range d.Actions {
		named(a.Name)
		text(a.Type, a.Ricardian)
	}
	count(len(d.Tables))
	for _, t := range d.Tables {
		named(t.Name)
		text(t.Index)
		count(len(t.KeyNames))
		text(t.KeyNames...)
		count(len(t.KeyTypes))
		text(t.KeyTypes...)
		text(t.Type)
	}
	count(len(d.Clauses))
	for _, c := range d.Clauses {
		text(c.ID, c.Body)
	}
	return append(b, 0, 0, 0, 0), failed // errors, extensions, variants, results
}

// digest is what get_raw_abi tells of it.
func (a *abi) digest() [32]byte { return sha256.Sum256(a.packed) }

// tableType is the type of a table's rows.
func (a *abi) tableType(table string) (kind, index string, ok bool) {
	for _, t := range a.def.Tables {
		if t.Name == table {
			return t.Type, t.Index, true
		}
	}
	return "", "", false
}

func (a *abi) actionType(action string) (string, bool) {
	for _, t := range a.def.Actions {
		if t.Name == action {
			return t.Type, true
		}
	}
	return "", false
}

var errABI = errors.New("the bytes are not of their type")

// decode reads all of some bytes as a value of a type.
func (a *abi) decode(kind string, data []byte) (any, error) {
	r := &reader{b: data}
	v, err := a.read(r, kind, 0)
	if err == nil && (r.err != nil || len(r.b) > 0) {
		err = errABI
	}
	return v, err
}

func (a *abi) read(r *reader, kind string, depth int) (any, error) {
	if depth > 32 {
		return nil, errABI
	}
	if f, ok := builtin[kind]; ok {
		return f(r), nil
	}
	for _, t := range a.def.Types {
		if t.New == kind {
			return a.read(r, t.Type, depth+1)
		}
	}
	for _, s := range a.def.Structs {
		if s.Name != kind {
			continue
		}
		var o object
		if s.Base != "" {
			base, err := a.read(r, s.Base, depth+1)
			if err != nil {
				return nil, err
			}
			if base, ok := base.(object); ok {
				o = base
			}
		}
		for _, f := range s.Fields {
			v, err := a.read(r, f.Type, depth+1)
			if err != nil {
				return nil, err
			}
			o = append(o, member{f.Name, v})
		}
		return o, nil
	}
	return nil, fmt.Errorf("%w: nobody knows %q", errABI, kind)
}

// builtin are the types that contracts of this kind use; nodeos has more.
var builtin = map[string]func(r *reader) any{
	"bool":                 func(r *reader) any { return r.u8() != 0 },
	"uint8":                func(r *reader) any { return r.u8() },
	"uint16":               func(r *reader) any { return r.u16() },
	"uint32":               func(r *reader) any { return r.u32() },
	"uint64":               func(r *reader) any { return wide(r.u64()) },
	"name":                 func(r *reader) any { return name(r.u64()) },
	"string":               func(r *reader) any { return string(r.bytes()) },
	"bytes":                func(r *reader) any { return hex.EncodeToString(r.bytes()) },
	"checksum256":          func(r *reader) any { return hex.EncodeToString(r.take(32)) },
	"time_point_sec":       func(r *reader) any { return secondText(r.u32()) },
	"block_timestamp_type": func(r *reader) any { return timeText(slotTime(r.u32())) },
}

// A wide number is a string in JSON when it has more than 32 bits, as fc writes it.
type wide uint64

func (w wide) MarshalJSON() ([]byte, error) {
	if w > 0xffffffff {
		return fmt.Appendf(nil, `"%d"`, uint64(w)), nil
	}
	return fmt.Appendf(nil, "%d", uint64(w)), nil
}

// An object is one of JSON whose members have an order.
type object []member

type member struct {
	name  string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		key, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, key...), ':'), value...)
	}
	return append(b, '}'), nil
}

// Slots are half seconds since 2000 began (block_timestamp.hpp).
const (
	slotEpoch = 946684800000 // ms since 1970
	slotMs    = 500
)

func slotTime(slot uint32) time.Time {
	return time.UnixMilli(slotEpoch + int64(slot)*slotMs).UTC()
}

// slotOf is the slot that a time is in.
func slotOf(t time.Time) uint32 { return uint32((t.UnixMilli() - slotEpoch) / slotMs) }

// timeText and secondText are how nodeos writes times: UTC, and without saying so.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000") }

func secondText(seconds uint32) string {
	return time.Unix(int64(seconds), 0).UTC().Format("2006-01-02T15:04:05")
}
