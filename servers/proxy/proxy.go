// Package proxy stands between a client and a real server and misbehaves as
// networks and servers do.
package proxy

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"
)

// A Fault is one way to misbehave.
type Fault int

// What a proxy can do to its connections.
const (
	None      Fault = iota
	Refused         // no listener
	BlackHole       // accepts, reads, never answers
	Slow            // every answer comes Delay late
	Reset           // the connection is reset in the middle of an answer's body
	Truncated       // the connection ends in the middle of an answer's body
	Wrong           // bytes of an answer's body are others
)

// Delay is how late a slow answer comes.
const Delay = 2 * time.Second

// marker is what every record has in its middle, and nothing else in the
// servers' answers; it is where an answer is cut or changed.
var (
	marker = []byte(`"created_at":`)
	wrong  = []byte(`"created_At":`)
)

// A Proxy is one listener before one server. Its methods are safe for
// concurrent use.
type Proxy struct {
	Addr string // where clients connect
	to   string

	mu       sync.Mutex
	fault    Fault
	listener net.Listener
	open     map[net.Conn]struct{}
	closed   bool
}

// New starts a proxy before the server at host:port to.
func New(to string) (*Proxy, error) {
	p := &Proxy{to: to, open: map[net.Conn]struct{}{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.Addr = l.Addr().String()
	p.listen(l)
	return p, nil
}

// URL is the proxy's address as an HTTP client wants it.
func (p *Proxy) URL() string { return "http://" + p.Addr }

// Set changes what the proxy does, also to connections that are open: those
// are ended unless the fault is one of an answer.
func (p *Proxy) Set(f Fault) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	was := p.fault
	p.fault = f
	if f == Refused || was == BlackHole || was == Refused {
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
	if p.listener == nil {
		return nil
	}
	return p.listener.Close()
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
func (p *Proxy) hold(cs ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.fault == Refused {
		return false
	}
	for _, c := range cs {
		p.open[c] = struct{}{}
	}
	return true
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = client.Close()
		return
	}
	done := func() {
		_ = client.Close()
		_ = server.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, client)
		delete(p.open, server)
	}
	if !p.hold(client, server) {
		done()
		return
	}
	go func() {
		defer done()
		p.forward(server, client)
	}()
	defer done()
	p.answer(client, server)
}

// forward passes requests on, or swallows them.
func (p *Proxy) forward(server, client net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 && p.now() != BlackHole {
			if _, err := server.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// answer passes answers on with the fault of the moment. It keeps back what
// may be the beginning of a marker until it knows.
func (p *Proxy) answer(client, server net.Conn) {
	buf := make([]byte, 64<<10)
	var kept []byte
	for {
		n, err := server.Read(buf)
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
		case fault == Slow && n > 0:
			time.Sleep(Delay)
		case fault == Wrong:
			b = bytes.ReplaceAll(b, marker, wrong)
		case (fault == Reset || fault == Truncated) && at >= 0:
			_, _ = client.Write(b[:at])
			if tcp, ok := client.(*net.TCPConn); ok && fault == Reset {
				_ = tcp.SetLinger(0) // makes Close a reset
			}
			return
		}
		if _, werr := client.Write(b); werr != nil {
			return
		}
		if err != nil {
			if err == io.EOF && len(kept) > 0 {
				_, _ = client.Write(kept)
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
