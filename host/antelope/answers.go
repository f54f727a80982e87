package antelope

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// A BlockInfo is a block without its transactions.
type BlockInfo struct {
	Num      uint32
	ID       digest.Hash // its first 4 bytes are Num, big-endian
	Previous digest.Hash // the id of the block before it
	Time     time.Time   // UTC, of half a second
}

// A Block is a block with its transactions.
type Block struct {
	BlockInfo
	Transactions []BlockTransaction
}

// A BlockTransaction is a transaction of a block. Of one that nobody had signed
// there is the id alone.
type BlockTransaction struct {
	ID         digest.Hash
	Status     string // executed, soft_fail, …
	Packed     []byte // without signatures, uncompressed
	Signatures []string
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

// numbered reports whether a block's id begins with its number.
func numbered(id digest.Hash, num Uint) bool {
	return uint64(binary.BigEndian.Uint32(id[:])) == uint64(num)
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

// blockHeader is what the answers about a block have in common.
type blockHeader struct {
	Num      Uint     `json:"block_num"`
	ID       Checksum `json:"id"`
	Previous Checksum `json:"previous"`
	Time     Time     `json:"timestamp"`
}

func (h *blockHeader) info(num uint32) (b BlockInfo, err error) {
	if h.Num != Uint(num) || !numbered(h.ID.Hash, h.Num) || h.Time.IsZero() {
		return b, fmt.Errorf("the answer is not block %d", num)
	}
	return BlockInfo{num, h.ID.Hash, h.Previous.Hash, h.Time.Time}, nil
}

func parseBlockInfo(b []byte, num uint32) (info BlockInfo, err error) {
	var h blockHeader
	if err = json.Unmarshal(b, &h); err == nil {
		info, err = h.info(num)
	}
	if err != nil {
		err = fmt.Errorf("get_block_info: %w", err)
	}
	return info, err
}

func parseBlock(b []byte, num uint32) (block Block, err error) {
	var m struct {
		blockHeader
		Transactions blockTransactions `json:"transactions"`
	}
	if err = json.Unmarshal(b, &m); err == nil {
		block.BlockInfo, err = m.info(num)
	}
	if err != nil {
		return Block{}, fmt.Errorf("get_block: %w", err)
	}
	block.Transactions = m.Transactions
	return block, nil
}

// maxTransactions bounds how many a block has: each costs 100 µs at least, and a
// block's time is a small part of its half second.
const maxTransactions = 1 << 16

// blockTransactions are read one by one, as what a node may say in a few bytes is
// large when it is read.
type blockTransactions []BlockTransaction

// UnmarshalJSON implements json.Unmarshaler.
func (ts *blockTransactions) UnmarshalJSON(b []byte) error {
	*ts = nil
	d := json.NewDecoder(bytes.NewReader(b))
	if open, err := d.Token(); err != nil || open != json.Delim('[') {
		return errors.New("the transactions are not a list")
	}
	for left := maxBlock; d.More(); {
		var m struct {
			Status string          `json:"status"`
			Trx    json.RawMessage `json:"trx"`
		}
		if err := d.Decode(&m); err != nil {
			return err
		}
		t, err := parseTransaction(m.Trx)
		if err != nil {
			return err
		}
		if left -= len(t.Packed); left < 0 || len(*ts) == maxTransactions {
			return errors.New("the transactions are more than a block can have")
		}
		t.Status = m.Status
		*ts = append(*ts, t)
	}
	return nil
}

func parseTransaction(b []byte) (t BlockTransaction, err error) {
	var id Checksum
	if json.Unmarshal(b, &id) == nil {
		return BlockTransaction{ID: id.Hash}, nil
	}
	var m struct {
		ID          Checksum `json:"id"`
		Signatures  []string `json:"signatures"`
		Compression string   `json:"compression"`
		Packed      string   `json:"packed_trx"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return t, err
	}
	t = BlockTransaction{ID: m.ID.Hash, Signatures: m.Signatures}
	if t.Packed, err = hex.DecodeString(m.Packed); err != nil {
		return t, fmt.Errorf("transaction %s: %w", t.ID, err)
	}
	switch m.Compression {
	case "none", "":
	case "zlib":
		t.Packed, err = inflate(t.Packed)
	default:
		err = fmt.Errorf("transaction %s: compression %.20q", t.ID, m.Compression)
	}
	return t, err
}

func inflate(b []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, MaxTransaction+1))
	if err == nil && len(out) > MaxTransaction {
		err = errTransaction
	}
	return out, err
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
