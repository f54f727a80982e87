package chain

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// maxRows is what one answer has at most, whatever is asked for.
const maxRows = 1000

// A number may be one or a string of one, as fc reads it; a flag and a string likewise.
type (
	number uint64
	loose  string
	flag   bool
)

func (n *number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	v, err := strconv.ParseUint(strings.Trim(string(b), `"`), 10, 64)
	*n = number(v)
	return err
}

func (t *loose) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '"' {
		if string(b) != "null" {
			*t = loose(b)
		}
		return nil
	}
	return json.Unmarshal(b, (*string)(t))
}

func (f *flag) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	v, err := strconv.ParseBool(strings.Trim(string(b), `"`))
	*f = flag(v)
	return err
}

// getTableRows is get_table_rows_ex of chain_plugin.hpp, of the primary index.
func (n *Node) getTableRows(body []byte) (any, error) {
	p := struct {
		JSON      flag   `json:"json"`
		Code      loose  `json:"code"`
		Scope     loose  `json:"scope"`
		Table     loose  `json:"table"`
		Lower     loose  `json:"lower_bound"`
		Upper     loose  `json:"upper_bound"`
		Limit     number `json:"limit"`
		KeyType   loose  `json:"key_type"`
		Index     loose  `json:"index_position"`
		Reverse   flag   `json:"reverse"`
		ShowPayer flag   `json:"show_payer"`
	}{Limit: 10}
	if err := params(body, &p); err != nil {
		return nil, err
	}
	st := &n.branch().state
	if string(p.Code) != n.c.o.Account {
		return nil, fault(codeAccountQuery, "Fail to retrieve account for %s", p.Code)
	}
	switch p.Index {
	case "", "first", "primary", "one", "0", "1":
	default:
		return nil, fault(codeTableQuery, "key type required for non-primary index")
	}
	kind, index, ok := st.code.abi.tableType(string(p.Table))
	if !ok {
		return nil, fault(codeTableQuery, "Table %s is not specified in the ABI", p.Table)
	}
	if index != "i64" && p.KeyType != "i64" && p.KeyType != "name" {
		return nil, fault(codeTableQuery, "Invalid table type %s", index)
	}
	table, err := parseName(string(p.Table))
	if err != nil {
		return nil, fault(codeTableQuery, "Invalid table name %s", p.Table)
	}
	scope, refused := key(p.Scope, "scope")
	if refused != nil {
		return nil, refused
	}
	lower, upper := uint64(0), uint64(math.MaxUint64)
	if p.Lower != "" {
		if lower, refused = key(p.Lower, "lower_bound"); refused != nil {
			return nil, refused
		}
	}
	if p.Upper != "" {
		if upper, refused = key(p.Upper, "upper_bound"); refused != nil {
			return nil, refused
		}
	}
	rows := []any{}
	more, next := false, ""
	at := tableKey(scope, uint64(table))
	first, last := rowKey(at, lower), rowKey(at, upper)
	if p.Reverse {
		first, last = last+"\x00", first
	}
	for limit := min(int(p.Limit), maxRows); lower <= upper; {
		key, r, ok := st.rows.from(first)
		if p.Reverse {
			key, r, ok = st.rows.before(first)
		}
		if !ok || tableOf(key) != at || !bool(p.Reverse) && key > last || bool(p.Reverse) && key < last {
			break
		}
		if len(rows) >= limit {
			more, next = true, strconv.FormatUint(primaryOf(key), 10)
			break
		}
		var v any = hex.EncodeToString(r.data)
		if p.JSON {
			if v, err = st.code.abi.decode(kind, r.data); err != nil {
				return nil, fault(codeUnpack, "%v", err)
			}
		}
		if p.ShowPayer {
			v = object{{"data", v}, {"payer", r.payer}}
		}
		rows = append(rows, v)
		if first = key; !p.Reverse {
			first += "\x00"
		}
	}
	return object{{"rows", rows}, {"more", more}, {"next_key", next}}, nil
}

// key reads a bound or a scope as nodeos does: a number, or else a name.
func key(t loose, what string) (uint64, *Error) {
	if v, err := strconv.ParseUint(string(t), 10, 64); err == nil {
		return v, nil
	}
	if n, err := parseName(strings.TrimSpace(string(t))); err == nil {
		return uint64(n), nil
	}
	return 0, fault(codeType, "Could not convert %s string '%s' to any of the following: uint64_t, valid name, or valid symbol (with or without the precision)", what, t)
}

// all returns a table's rows as JSON, those of the scope that is the account itself.
func (s *state) all(self name, table string) ([]json.RawMessage, error) {
	kind, _, ok := s.code.abi.tableType(table)
	n, err := parseName(table)
	if err != nil || !ok {
		return nil, fault(codeTableQuery, "Table %s is not specified in the ABI", table)
	}
	rows := []json.RawMessage{}
	at := tableKey(uint64(self), uint64(n))
	for key, r, ok := s.rows.from(at); ok && tableOf(key) == at; key, r, ok = s.rows.from(key + "\x00") {
		v, err := s.code.abi.decode(kind, r.data)
		if err != nil {
			return nil, err
		}
		b, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		rows = append(rows, b)
	}
	return rows, nil
}
