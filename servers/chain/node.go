package chain

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventseal/eventseal/servers/port"
)

// A Node is one view of the chain: an HTTP API that may be behind, down, slow
// or on a branch of its own. It is safe for concurrent use.
type Node struct {
	c *Chain

	// Under c.mu.
	own      *branch // nil: the chain's
	stranded bool    // own grows
	heads    bool    // judges each transaction upon the head alone
	forget   int
	refuse   int
	refusal  int64
	strings  bool
	url      string // "" while it does not listen
	mishaps

	listening sync.Mutex // before c.mu
	port      *port.Port
	server    *http.Server
}

// mishaps are what a request meets before and after it is looked at.
type mishaps struct {
	outage Outage
	delay  time.Duration
	hook   func(Request) bool
	lie    func(path string, answer []byte) []byte
	ended  chan struct{} // closed when the outage is another one
}

// Node returns the node of a number, which is made when it is first asked for.
func (c *Chain) Node(i int) *Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.nodes) <= i {
		c.nodes = append(c.nodes, &Node{c: c, mishaps: mishaps{ended: make(chan struct{})}})
	}
	return c.nodes[i]
}

// Balanced is an endpoint that asks the nodes in turn, a request each.
func (c *Chain) Balanced(nodes ...*Node) http.Handler {
	var turn atomic.Uint64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nodes[(turn.Add(1)-1)%uint64(len(nodes))].ServeHTTP(w, r)
	})
}

// branch is what the node follows. It needs c.mu.
func (n *Node) branch() *branch {
	if n.own != nil {
		return n.own
	}
	return &n.c.main
}

// cut gives the node a branch of its own, that begins at its head.
func (n *Node) cut(stranded bool) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	own := *n.branch()
	own.pending = append([]*signed(nil), own.pending...)
	n.own, n.stranded = &own, stranded
}

// Freeze lets the node stay at the block that it has: it knows nothing of later ones,
// and what it is sent never gets into a block. Thaw lets it catch up.
func (n *Node) Freeze() { n.cut(false) }

// Strand cuts the node off with a producer that is no majority: from here on its
// branch is its own. It grows by a block with each of the chain's, with what the
// node was sent, and its irreversible block stays where it is. Thaw ends it.
func (n *Node) Strand() { n.cut(true) }

// Thaw ends Freeze and Strand: the node follows the chain again, and what it alone had is lost.
func (n *Node) Thaw() {
	n.set(func() { n.own, n.stranded = nil, false })
}

func (n *Node) set(f func()) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	f()
}

// HeadMode lets the node judge each transaction upon the head, as an API node
// with read-mode = head does, whereas a producer judges it upon what is already pending:
// of two that build upon each other the second is then refused until the first is in a block.
func (n *Node) HeadMode(on bool) { n.set(func() { n.heads = on }) }

// Forget lets the node take the next k transactions with 202 and lose them.
func (n *Node) Forget(k int) { n.set(func() { n.forget = k }) }

// Refuse lets the node answer the next k transactions with an error of nodeos by its code,
// such as 3080004, without looking at them.
func (n *Node) Refuse(code, k int) { n.set(func() { n.refusal, n.refuse = int64(code), k }) }

// Delay makes each answer so much later.
func (n *Node) Delay(d time.Duration) { n.set(func() { n.delay = d }) }

// StringNumbers makes all numbers of answers strings, as some proxies do.
func (n *Node) StringNumbers(on bool) { n.set(func() { n.strings = on }) }

// Lie lets f change each answer of the API that is no error, as it goes out. nil ends it.
func (n *Node) Lie(f func(path string, answer []byte) []byte) { n.set(func() { n.lie = f }) }

// A Request is what a hook is shown.
type Request struct {
	Path  string // "/v1/chain/send_transaction2"
	Body  []byte
	After bool // the request has had its effect, and its answer is not sent yet
}

// Hook has f called for each request of the API, before it has any effect and
// again after it, before the answer goes out; f may block. When f returns false the
// connection is cut there. nil ends it.
func (n *Node) Hook(f func(Request) bool) { n.set(func() { n.hook = f }) }

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
func (n *Node) Down(o Outage) error {
	n.listening.Lock()
	defer n.listening.Unlock()
	n.set(func() {
		n.outage = o
		close(n.ended)
		n.ended = make(chan struct{})
	})
	switch {
	case n.port == nil:
		return nil
	case o == Refused && n.server != nil:
		err := n.server.Close()
		n.server = nil
		return err
	case o != Refused && n.server == nil:
		return n.listen()
	}
	return nil
}

// URL is where the node listens, on a free port of 127.0.0.1 from the first call on.
// It panics when there is none.
func (n *Node) URL() string {
	n.listening.Lock()
	defer n.listening.Unlock()
	if n.port == nil {
		p, err := port.Hold()
		if err != nil {
			panic(err)
		}
		n.port = p
		var down bool
		n.set(func() { n.url, down = "http://"+p.Addr, n.outage == Refused })
		if !down {
			if err := n.listen(); err != nil {
				panic(err)
			}
		}
	}
	return "http://" + n.port.Addr
}

// listen needs n.listening.
func (n *Node) listen() error {
	l, err := net.Listen("tcp", n.port.Addr)
	if err != nil {
		return err
	}
	n.server = &http.Server{Handler: n, ReadHeaderTimeout: 10 * time.Second}
	go n.server.Serve(l)
	return nil
}

func (n *Node) close() error {
	err := n.Down(Refused)
	n.listening.Lock()
	defer n.listening.Unlock()
	if n.port != nil {
		err = errors.Join(err, n.port.Close())
	}
	return err
}
