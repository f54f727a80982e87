package antelope

import (
	"bytes"
	"compress/flate"
	"encoding/base64"

	"github.com/eventseal/eventseal/wasm/digest"
)

// The parts of a signing request (EEP-7) that are fixed here.
const (
	requestVersion    = 2
	requestCompressed = 0x80
	chainByID         = 1 // of the variants of a chain
	requestActions    = 1 // of the variants of what is asked for
	requestBroadcast  = 1 // a flag: whoever signs sends it
)

// RequestURI returns the address (EEP-7, esr://…) by which a wallet is asked to
// make a transaction of actions on the chain of this id, to sign and to send it.
func RequestURI(chain digest.Hash, actions []Action) string {
	var b bytes.Buffer
	b.WriteByte(requestVersion | requestCompressed)
	// Neither fails on a buffer.
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = w.Write(request(chain, actions))
	_ = w.Close()
	return "esr://" + base64.RawURLEncoding.EncodeToString(b.Bytes())
}

// request packs the request: the chain, what is asked for, flags, and no
// callback and no further information.
func request(chain digest.Hash, actions []Action) []byte {
	b := append([]byte{chainByID}, chain[:]...)
	b = append(b, requestActions)
	b = appendActions(b, actions)
	return append(b, requestBroadcast, 0, 0)
}
