//go:build !linux

package port

import (
	"io"
	"net"
)

// hold finds a port that is free just now.
func hold() (addr string, held io.Closer, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	defer l.Close()
	return l.Addr().String(), nobody{}, nil
}

type nobody struct{}

func (nobody) Close() error { return nil }
