package port

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// hold binds a socket that never listens. Linux lets another one be bound to
// its port, and listen there, when both have SO_REUSEADDR; and a port that
// something was bound to is chosen by no bind to port 0 and by no connect
// (inet_csk_find_open_port and __inet_hash_connect in net/ipv4).
func hold() (addr string, held io.Closer, err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", nil, fmt.Errorf("port: socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), "held port") // closed at the latest when it is collected
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return "", nil, fmt.Errorf("port: SO_REUSEADDR: %w", err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return "", nil, fmt.Errorf("port: bind: %w", err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return "", nil, fmt.Errorf("port: getsockname: %w", err)
	}
	in, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		return "", nil, fmt.Errorf("port: bound to %T", name)
	}
	return (&net.TCPAddr{IP: in.Addr[:], Port: in.Port}).String(), file, nil
}
