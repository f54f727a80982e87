package antelope

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/eventseal/eventseal/wasm/digest"
)

// An Info is how a node stands.
type Info struct {
	ChainID  digest.Hash
	HeadNum  uint32
	HeadID   digest.Hash
	HeadTime time.Time // UTC
	LIBNum   uint32    // the last irreversible block, at most HeadNum
	LIBID    digest.Hash
}

// A Uint is a number that nodeos writes as one, or, where it is large, as a text.
type Uint uint64

// UnmarshalJSON implements json.Unmarshaler.
func (u *Uint) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseUint(strings.Trim(string(b), `"`), 10, 64)
	*u = Uint(n)
	return err
}

// A Time is a time as nodeos writes it: UTC, with or without a Z.
type Time struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(b []byte) (err error) {
	var s string
	if err = json.Unmarshal(b, &s); err == nil {
		t.Time, err = parseTime(s)
	}
	return err
}

// A Checksum is 32 bytes in hexadecimal digits.
type Checksum struct{ digest.Hash }

// UnmarshalJSON implements json.Unmarshaler.
func (c *Checksum) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	h, ok := digest.ParseHash(strings.ToLower(s))
	if !ok {
		return fmt.Errorf("%.80q is no checksum", s)
	}
	c.Hash = h
	return nil
}

func parseInfo(b []byte) (info Info, err error) {
	var m struct {
		ChainID  Checksum `json:"chain_id"`
		HeadNum  Uint     `json:"head_block_num"`
		HeadID   Checksum `json:"head_block_id"`
		HeadTime Time     `json:"head_block_time"`
		LIBNum   Uint     `json:"last_irreversible_block_num"`
		LIBID    Checksum `json:"last_irreversible_block_id"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return info, fmt.Errorf("get_info: %w", err)
	}
	if m.ChainID.Hash == (digest.Hash{}) || m.HeadTime.IsZero() || m.LIBNum > m.HeadNum || !numbered(m.HeadID.Hash, m.HeadNum) || !numbered(m.LIBID.Hash, m.LIBNum) {
		return info, errors.New("get_info: the answer is not that of a node")
	}
	return Info{m.ChainID.Hash, uint32(m.HeadNum), m.HeadID.Hash, m.HeadTime.Time, uint32(m.LIBNum), m.LIBID.Hash}, nil
}

func parseRows(b []byte, limit int) (rows []json.RawMessage, more bool, err error) {
	var m struct {
		Rows []json.RawMessage `json:"rows"`
		More bool              `json:"more"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, false, fmt.Errorf("get_table_rows: %w", err)
	}
	if m.Rows == nil || len(m.Rows) > limit {
		return nil, false, fmt.Errorf("get_table_rows: the answer has %d rows of %d that were asked for", len(m.Rows), limit)
	}
	for _, r := range m.Rows {
		if len(r) == 0 || r[0] != '{' {
			return nil, false, errors.New("get_table_rows: the node does not know the contract's ABI, as the rows are not objects")
		}
	}
	return m.Rows, m.More, nil
}

// exception is how nodeos tells one.
type exception struct {
	Code    Uint   `json:"code"`
	Name    string `json:"name"`
	What    string `json:"what"`
	Details []struct {
		Message string `json:"message"`
	} `json:"details"`
}

// maxTold bounds what is told of a node's words, in bytes.
const maxTold = 300

func (x exception) error(status int) *Error {
	told := func(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxTold)], "") }
	e := &Error{Status: status, Code: int(min(x.Code, 1<<31-1)), Name: told(x.Name), What: told(x.What)}
	if len(x.Details) > 0 {
		e.Detail = told(x.Details[0].Message)
	}
	return e
}

// parseError reads the answer of a call that failed; nil: it is not nodeos'.
func parseError(status int, b []byte) *Error {
	var m struct {
		Error exception `json:"error"`
	}
	err := json.Unmarshal(b, &m)
	if err == nil && m.Error.Code != 0 {
		return m.Error.error(status)
	}
	if status == http.StatusNotFound {
		return &Error{Status: status}
	}
	return nil
}

// parseSent reads the answer to a transaction that was taken. Some nodes tell a
// failure in it all the same.
func parseSent(b []byte) error {
	var m struct {
		Processed struct {
			Except *struct {
				exception
				Message string `json:"message"`
				Stack   []struct {
					Format string `json:"format"`
				} `json:"stack"`
			} `json:"except"`
		} `json:"processed"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return errors.New("send_transaction2: the answer is not JSON")
	}
	if x := m.Processed.Except; x != nil {
		if x.What == "" {
			x.What = x.Message
		}
		return x.error(http.StatusAccepted)
	}
	return nil
}
