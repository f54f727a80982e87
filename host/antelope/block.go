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
	"time"

	"github.com/eventseal/eventseal/wasm/digest"
)

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

// numbered reports whether a block's id begins with its number.
func numbered(id digest.Hash, num Uint) bool {
	return uint64(binary.BigEndian.Uint32(id[:])) == uint64(num)
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
