package proxy

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// lies holds, by kind of server, who says yes to what is written and passes
// everything else on.
var lies = map[string]func(p *Proxy, client net.Conn){
	"redis": (*Proxy).lieAsRedis,
	"s3":    func(p *Proxy, client net.Conn) { p.lieOverHTTP(client, lieAsS3) },
	"kubo":  func(p *Proxy, client net.Conn) { p.lieOverHTTP(client, lieAsKubo) },
}

// lieOverHTTP serves one connection. lie answers a write and reports that it did.
func (p *Proxy) lieOverHTTP(client net.Conn, lie func(w http.ResponseWriter, r *http.Request) bool) {
	on := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: p.to})
		r.Out.Host = r.In.Host // a signature covers it
	}}
	l := &one{conn: client, done: make(chan struct{})}
	s := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !lie(w, r) {
				on.ServeHTTP(w, r)
			}
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed || state == http.StateHijacked {
				_ = l.Close()
			}
		},
	}
	_ = s.Serve(l) // until the connection ends
}

// one is a listener with one connection.
type one struct {
	conn net.Conn
	done chan struct{}
	once sync.Once
}

func (l *one) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

func (l *one) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *one) Addr() net.Addr { return &net.TCPAddr{} }

func lieAsS3(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPut {
		return false
	}
	sum := md5.New()
	_, _ = io.Copy(sum, r.Body)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum.Sum(nil))+`"`)
	return true
}

// carRoot comes before the CID of the one root in the header of a CAR file.
var carRoot = []byte("\x65roots\x81\xd8\x2a\x58\x25\x00")

func lieAsKubo(w http.ResponseWriter, r *http.Request) bool {
	if !strings.HasSuffix(r.URL.Path, "/dag/import") {
		return false
	}
	body, _ := io.ReadAll(r.Body)
	_, rest, found := bytes.Cut(body, carRoot)
	if !found || len(rest) < 36 {
		http.Error(w, "no root", http.StatusBadRequest)
		return true
	}
	cid := "b" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(rest[:36]))
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"Root":{"Cid":{"/":"%s"},"PinErrorMsg":""}}`+"\n", cid)
	return true
}

// lieAsRedis speaks RESP: https://redis.io/docs/latest/develop/reference/protocol-spec/
func (p *Proxy) lieAsRedis(client net.Conn) {
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer p.release(server)
	if !p.hold(server) {
		return
	}
	ask, answer := bufio.NewReader(client), bufio.NewReader(server)
	for {
		command, err := message(ask)
		if err != nil {
			return
		}
		name := "" // of *n $len NAME …
		if parts := bytes.SplitN(command, []byte("\r\n"), 4); len(parts) == 4 {
			name = strings.ToUpper(string(parts[2]))
		}
		var reply []byte
		switch name {
		case "EVAL", "EVALSHA":
			reply = []byte(":1\r\n")
		case "SET":
			reply = []byte("+OK\r\n")
		default:
			if _, err = server.Write(command); err == nil {
				reply, err = message(answer)
			}
		}
		if err == nil {
			_, err = client.Write(reply)
		}
		if err != nil {
			return
		}
	}
}

// message reads one RESP value and returns its bytes.
func message(r *bufio.Reader) ([]byte, error) {
	b, err := r.ReadBytes('\n')
	if err != nil || len(b) < 3 {
		return nil, errors.Join(err, io.ErrUnexpectedEOF)
	}
	switch b[0] {
	case '$', '=', '!', '*', '~', '>', '%':
	default: // one line
		return b, nil
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(b[1:])))
	if err != nil || n > 64<<20 {
		return nil, errors.New("proxy: not RESP")
	}
	switch b[0] {
	case '$', '=', '!':
		if n < 0 {
			return b, nil
		}
		body := make([]byte, n+2)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, err
		}
		return append(b, body...), nil
	case '%':
		n *= 2
	}
	for range n {
		part, err := message(r)
		if err != nil {
			return nil, err
		}
		b = append(b, part...)
	}
	return b, nil
}
