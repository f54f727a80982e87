// Package proxy stands between a client and a real server and misbehaves as
// networks and servers do.
package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventseal/eventseal/servers/port"
)

// A Fault is one way to misbehave.
type Fault int

// What a proxy can do. A body is what carries a record: a request's when it is
// stored, an answer's when it is read.
const (
	None      Fault = iota
	Refused         // no listener
	BlackHole       // accepts, reads, never answers
	Slow            // every answer comes Delay late
	Reset           // the connection is reset in the middle of a body
	Truncated       // the connection ends in the middle of a body
	Wrong           // bytes of a body are others
	Forget          // writes are answered with yes and go nowhere
)

// Delay is how late a slow answer comes.
const Delay = 2 * time.Second

// marker is what every record has in its middle, and nothing else in what
// clients and servers say; it is where a body is cut or changed.
var (
	marker = []byte(`"created_at":`)
	wrong  = []byte(`"created_At":`)
)

// A Proxy is one listener before one server. Its methods are safe for
// concurrent use.
type Proxy struct {
	Addr string // where clients connect
	to   string
	lie  func(p *Proxy, client net.Conn) // serves a connection under Forget

	turns atomic.Int64
	there link // to the server
	back  link

	mu       sync.Mutex
	fault    Fault
	port     *port.Port // also while nobody listens
	listener net.Listener
	open     map[net.Conn]struct{}
	closed   bool
}

// New starts a proxy before the server of a kind (servers.Server.Kind) at
// host:port to.
func New(kind, to string) (*Proxy, error) {
	p := &Proxy{to: to, lie: lies[kind], open: map[net.Conn]struct{}{}}
	var err error
	if p.port, err = port.Hold(); err != nil {
		return nil, err
	}
	p.Addr = p.port.Addr
	l, err := net.Listen("tcp", p.Addr)
	if err != nil {
		return nil, errors.Join(err, p.port.Close())
	}
	p.listen(l)
	return p, nil
}

// URL is the proxy's address as an HTTP client wants it.
func (p *Proxy) URL() string { return "http://" + p.Addr }

// Turns counts how often a client began to say something after the server had
// answered, on all connections: the round trips, a pipeline being one.
func (p *Proxy) Turns() int64 { return p.turns.Load() }

// A link carries so many bytes a second, of all connections together.
type link struct {
	mu   sync.Mutex
	rate int       // 0: any number
	free time.Time // when it has carried what was sent so far
}

// carry returns when the link has carried n bytes.
func (l *link) carry(n int) {
	l.mu.Lock()
	if l.rate == 0 {
		l.mu.Unlock()
		return
	}
	if now := time.Now(); l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(n) * time.Second / time.Duration(l.rate))
	wait := time.Until(l.free)
	l.mu.Unlock()
	time.Sleep(wait)
}

// Limit makes the way to the server, and the one back, carry no more than so
// many bytes a second each; 0: any number.
func (p *Proxy) Limit(rate int) {
	for _, l := range []*link{&p.there, &p.back} {
		l.mu.Lock()
		l.rate, l.free = rate, time.Time{}
		l.mu.Unlock()
	}
}

// Set changes what the proxy does, also to connections that are open: those
// are ended unless the fault is one of a body.
func (p *Proxy) Set(f Fault) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	was := p.fault
	p.fault = f
	if f == Refused || f == Forget || was == BlackHole || was == Refused || was == Forget {
		p.end()
	}
	if f == Refused && p.listener != nil {
		err := p.listener.Close()
		p.listener = nil
		return err
	}
	if f != Refused && p.listener == nil {
		l, err := net.Listen("tcp", p.Addr)
		if err != nil {
			return err
		}
		p.listen(l)
	}
	return nil
}

// Close ends everything.
func (p *Proxy) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.end()
	err := p.port.Close()
	if p.listener == nil {
		return err
	}
	return errors.Join(err, p.listener.Close())
}

// end ends the open connections; it needs p.mu, as does listen.
func (p *Proxy) end() {
	for c := range p.open {
		_ = c.Close()
	}
	clear(p.open)
}

func (p *Proxy) listen(l net.Listener) {
	p.listener = l
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
}

func (p *Proxy) now() Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

// hold notes a connection so that it can be ended, unless it is too late.
func (p *Proxy) hold(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.fault == Refused {
		return false
	}
	p.open[c] = struct{}{}
	return true
}

// release ends a connection.
func (p *Proxy) release(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

func (p *Proxy) serve(client net.Conn) {
	defer p.release(client)
	if !p.hold(client) {
		return
	}
	if p.now() == Forget && p.lie != nil {
		p.lie(p, client)
		return
	}
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer p.release(server)
	if !p.hold(server) {
		return
	}
	var spoken atomic.Bool // the client, since the server last did
	go func() {
		defer p.release(client)
		defer p.release(server)
		p.pass(server, client, client, func() {
			if !spoken.Swap(true) {
				p.turns.Add(1)
			}
		}, false)
	}()
	p.pass(client, server, client, func() { spoken.Store(false) }, true)
}

// pass copies one direction with the fault of the moment and calls heard for
// what arrives. It keeps back what may be the beginning of a marker until it
// knows. A cut ends the client's connection.
func (p *Proxy) pass(to, from, client net.Conn, heard func(), answers bool) {
	buf := make([]byte, 64<<10)
	l := &p.there
	if answers {
		l = &p.back
	}
	var kept []byte
	for {
		n, err := from.Read(buf)
		if n > 0 {
			heard()
			l.carry(n)
		}
		b := append(kept, buf[:n]...)
		kept = nil
		fault := p.now()
		if err == nil {
			if i := partial(b); i >= 0 && fault >= Reset {
				b, kept = b[:i], bytes.Clone(b[i:])
			}
		}
		switch at := bytes.Index(b, marker); {
		case fault == BlackHole:
			b = nil
		case fault == Slow && n > 0 && answers:
			time.Sleep(Delay)
		case fault == Wrong:
			b = bytes.ReplaceAll(b, marker, wrong)
		case (fault == Reset || fault == Truncated) && at >= 0:
			_, _ = to.Write(b[:at])
			if tcp, ok := client.(*net.TCPConn); ok && fault == Reset {
				_ = tcp.SetLinger(0) // makes Close a reset
			}
			return
		}
		if _, werr := to.Write(b); werr != nil {
			return
		}
		if err != nil {
			if err == io.EOF && len(kept) > 0 {
				_, _ = to.Write(kept)
			}
			return
		}
	}
}

// partial is where the end of b may begin a marker, -1 when it does not.
func partial(b []byte) int {
	for n := min(len(marker)-1, len(b)); n > 0; n-- {
		if bytes.HasSuffix(b, marker[:n]) {
			return len(b) - n
		}
	}
	return -1
}
