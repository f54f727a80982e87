package servers

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"time"
)

// NewRedis prepares a Redis in dir that keeps nothing on disk, as a cache
// does. args are further command line options and win over the defaults.
func NewRedis(dir string, args ...string) (*Server, error) {
	path, err := binary("redis-server")
	if err != nil {
		return nil, err
	}
	addr, held, err := address(dir)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	argv := []string{path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir, "--daemonize", "no"}
	return &Server{
		Kind: "redis", Addr: addr, Dir: dir, port: held, argv: append(argv, args...),
		ready: func(ctx context.Context) error { return ping(ctx, addr) },
	}, nil
}

// NewSentinel prepares a Redis Sentinel that watches master under the name
// "eventseal".
func NewSentinel(dir string, master *Server) (*Server, error) {
	s, err := NewRedis(dir)
	if err != nil {
		return nil, err
	}
	s.Kind = "sentinel"
	host, port, err := net.SplitHostPort(master.Addr)
	if err != nil {
		return nil, err
	}
	_, own, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return nil, err
	}
	conf, err := writeFile(dir, "sentinel.conf", "port "+own+"\nbind 127.0.0.1\ndir "+dir+
		"\nsentinel monitor eventseal "+host+" "+port+" 1\nsentinel down-after-milliseconds eventseal 500\n")
	if err != nil {
		return nil, err
	}
	s.argv = []string{s.argv[0], conf, "--sentinel"}
	return s, nil
}

// ping is Redis's own readiness check, without a client library. A server
// that wants a password is up as well.
func ping(ctx context.Context, addr string) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	switch {
	case err != nil:
		return err
	case strings.HasPrefix(line, "+PONG"), strings.HasPrefix(line, "-NOAUTH"):
		return nil
	}
	return errors.New(line)
}
