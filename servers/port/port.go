// Package port keeps free loopback ports for servers that are started, ended
// and started again: meanwhile the kernel gives such a port to nobody else,
// neither to a listener that takes any port nor to an outgoing connection.
package port

import "io"

// A Port is a TCP port of 127.0.0.1 that is kept for whoever listens on it by
// its number, with SO_REUSEADDR as servers do.
type Port struct {
	Addr string // host:port
	held io.Closer
}

// Hold picks a free port and keeps it until Close, or until the Port is no
// longer used. Only Linux keeps it; elsewhere it is merely free just now.
func Hold() (*Port, error) {
	addr, held, err := hold()
	if err != nil {
		return nil, err
	}
	return &Port{Addr: addr, held: held}, nil
}

// Close lets the port go. Who listens on it goes on doing so.
func (p *Port) Close() error { return p.held.Close() }
