package port

import (
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"
)

// A held port can be listened on again and again, and nobody else gets it.
func TestHold(t *testing.T) {
	p, err := Hold()
	if err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for range 3 {
		l, err := net.Listen("tcp", p.Addr)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", p.Addr)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		l.Close()
	}
	if runtime.GOOS == "linux" {
		here, _ := net.ResolveTCPAddr("tcp", p.Addr)
		// A connection that asks for a port by its number is refused it as one
		// that asks for any would be.
		c, err := (&net.Dialer{LocalAddr: here}).Dial("tcp", other.Addr().String())
		if !errors.Is(err, syscall.EADDRINUSE) {
			if err == nil {
				c.Close()
			}
			t.Errorf("an outgoing connection has the port: %v", err)
		}
	}
	l, err := net.Listen("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", p.Addr); err != nil {
		t.Errorf("after Close: %v", err)
	}
	l.Close()
}
