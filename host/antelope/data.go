package antelope

import (
	"errors"

	"github.com/eventseal/eventseal/wasm/digest"
)

// PostData packs the data of the contract's action post.
func PostData(seq, size uint64, root digest.Hash) []byte {
	b := order.AppendUint64(nil, seq)
	return append(order.AppendUint64(b, size), root[:]...)
}

// EventData packs the data of the contract's action event.
func EventData(seq uint64, code uint32, hash digest.Hash) []byte {
	b := order.AppendUint64(nil, seq)
	return append(order.AppendUint32(b, code), hash[:]...)
}

var errData = errors.New("antelope: the data are not those of the action")

// ParsePost reads what PostData makes.
func ParsePost(data []byte) (seq, size uint64, root digest.Hash, err error) {
	if len(data) != 16+digest.Size {
		return 0, 0, root, errData
	}
	return order.Uint64(data), order.Uint64(data[8:]), digest.Hash(data[16:]), nil
}

// ParseEvent reads what EventData makes.
func ParseEvent(data []byte) (seq uint64, code uint32, hash digest.Hash, err error) {
	if len(data) != 12+digest.Size {
		return 0, 0, hash, errData
	}
	return order.Uint64(data), order.Uint32(data[8:]), digest.Hash(data[12:]), nil
}
