package chain

import (
	"net/http"
	"time"
)

// A Node is one view of the chain: an HTTP API that may be behind, down, slow
// or on a branch of its own. It is safe for concurrent use.
type Node struct{}

// ServeHTTP answers the API, and under /test/ the control that control.go describes.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) { panic("chain: ServeHTTP") }

// URL is where the node listens, on a free port of 127.0.0.1 from the first call on.
func (n *Node) URL() string { panic("chain: URL") }

// Freeze lets the node stay at the block that it has: it knows nothing of later ones,
// and what it is sent never gets into a block. Thaw lets it catch up.
func (n *Node) Freeze() { panic("chain: Freeze") }

// Thaw ends Freeze and Strand: the node follows the chain again.
func (n *Node) Thaw() { panic("chain: Thaw") }

// Strand cuts the node off with a producer that is no majority: from here on its
// branch is its own. It grows by an empty block with each of the chain's, takes transactions, and
// its irreversible block stays where it is.
func (n *Node) Strand() { panic("chain: Strand") }

// An Outage is a way not to answer.
type Outage int

const (
	Up          Outage = iota
	Refused            // no listener; through ServeHTTP the connection is cut
	BadGateway         // 502 and a page of HTML, as of a proxy before a node that is down
	Unavailable        // 503, likewise
	Silent             // reads the request and never answers
)

// Down makes the node answer no request of the API until Down(Up).
func (n *Node) Down(o Outage) { panic("chain: Down") }

// Forget lets the node take the next k transactions with 202 and lose them.
func (n *Node) Forget(k int) { panic("chain: Forget") }

// Refuse lets the node answer the next k transactions with an error of nodeos by its code,
// such as 3080004, without looking at them.
func (n *Node) Refuse(code, k int) { panic("chain: Refuse") }

// Delay makes each answer so much later.
func (n *Node) Delay(d time.Duration) { panic("chain: Delay") }

// StringNumbers makes all 64-bit numbers strings, as nodes before a certain size of
// number and some proxies do.
func (n *Node) StringNumbers(on bool) { panic("chain: StringNumbers") }

// A Request is what a hook is shown.
type Request struct {
	Path  string // "/v1/chain/send_transaction2"
	Body  []byte
	After bool // the request has had its effect, and its answer is not sent yet
}

// Hook has f called for each request of the API, before it has any effect and
// again after it, before the answer goes out; f may block. When f returns false the
// connection is cut there. nil ends it.
func (n *Node) Hook(f func(Request) bool) { panic("chain: Hook") }
