package antelope

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/eventseal/eventseal/wasm/digest"
)

// Options say which nodes are asked. Endpoints are needed.
type Options struct {
	Endpoints []string      // URLs of nodes, the first is asked first
	HTTP      *http.Client  // nil: one of its own; redirects are not followed
	Timeout   time.Duration // of one call; 0: 10 s
	Chain     digest.Hash   // zero: that of the node that answers first
}

// A Client asks the nodes of one chain. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	timeout time.Duration
	nodes   []*endpoint
	now     func() time.Time

	mu    sync.Mutex
	chain digest.Hash
	good  int // the node that did well last
}

// An endpoint is the address of a node.
type endpoint struct {
	url  *url.URL
	host string    // all that is told of the address, which may hold a secret
	rest time.Time // until when others are asked before it
	head time.Time // of the head that it told last
	lib  uint32    // the irreversible block that it told last
}

const (
	// How far behind what others have told a node may be.
	behindTime   = 30 * time.Second
	behindBlocks = 600
	// How long a node that failed is left alone while there are others.
	cooldown = 30 * time.Second
)

// NewClient returns a client. The error is one of the options.
func NewClient(o Options) (*Client, error) {
	if len(o.Endpoints) == 0 {
		return nil, errors.New("antelope: there is no endpoint")
	}
	own := http.Client{}
	if o.HTTP != nil {
		own = *o.HTTP
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &Client{http: &own, timeout: cmp.Or(o.Timeout, 10*time.Second), chain: o.Chain, now: time.Now}
	for i, text := range o.Endpoints {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
			return nil, fmt.Errorf("antelope: endpoint %d is not the URL of a node such as https://eos.example.org", i+1)
		}
		c.nodes = append(c.nodes, &endpoint{url: u, host: u.Host})
	}
	return c, nil
}

// Use has f look at one node, so that what it concludes from several answers is
// of one node: the one that did well last, or the next one where f returns an
// error of a Node's method that is the node's fault. f may so be called several
// times. A node that is behind is used where there is none that is not. The
// error is f's, or the faults of all nodes.
func (c *Client) Use(ctx context.Context, f func(ctx context.Context, n *Node) error) error {
	var faults []error
	var behind []int
	try := func(i int, lenient bool) (done bool, err error) {
		err = f(ctx, &Node{c: c, at: c.nodes[i], lenient: lenient})
		var own *fault
		faulty := errors.As(err, &own)
		if errors.Is(ctx.Err(), context.Canceled) {
			return true, err // whatever the node would have said
		}
		c.did(i, !faulty)
		if !faulty || ctx.Err() != nil {
			return true, err
		}
		if errors.Is(err, ErrBehind) {
			behind = append(behind, i)
		}
		faults = append(faults, err)
		return false, nil
	}
	for _, i := range c.turn() {
		if done, err := try(i, false); done {
			return err
		}
	}
	for _, i := range slices.Clone(behind) {
		if done, err := try(i, true); done {
			return err
		}
	}
	return errors.Join(faults...)
}

// turn returns in which order nodes are asked: from the one that did well last
// on, those that have failed of late at the end.
func (c *Client) turn() (order []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	var late []int
	for i := range c.nodes {
		i = (c.good + i) % len(c.nodes)
		if c.nodes[i].rest.After(now) {
			late = append(late, i)
		} else {
			order = append(order, i)
		}
	}
	return append(order, late...)
}

// did notes how a node did.
func (c *Client) did(i int, well bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !well {
		c.nodes[i].rest = c.now().Add(cooldown)
		return
	}
	c.nodes[i].rest = time.Time{}
	c.good = i
}

// judge compares what a node says of itself with what is known: the chain, and
// what each node, this one too, has told last.
func (c *Client) judge(at *endpoint, info Info, lenient bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.chain == (digest.Hash{}) {
		c.chain = info.ChainID
	}
	if c.chain != info.ChainID {
		return fmt.Errorf("%w: it has the id %s, and %s is wanted", ErrChain, info.ChainID, c.chain)
	}
	var head time.Time
	var lib uint32
	for _, e := range c.nodes {
		if e.head.After(head) {
			head = e.head
		}
		lib = max(lib, e.lib)
	}
	// Also where it is behind: one that was wrong about the time is so once.
	at.head, at.lib = info.HeadTime, info.LIBNum
	if !lenient && (head.Sub(info.HeadTime) > behindTime || lib > info.LIBNum && lib-info.LIBNum > behindBlocks) {
		return fmt.Errorf("%w: its head is of %s and block %d is irreversible, another's head was of %s and block %d irreversible",
			ErrBehind, info.HeadTime.Format(time.RFC3339), info.LIBNum, head.Format(time.RFC3339), lib)
	}
	return nil
}
