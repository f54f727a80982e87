package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A load is requests that are ready to be written to a connection, and what
// must stand in each answer. The client shares the machine with the host, so
// it does as little as it can: no headers are kept, nothing is allocated.
type load struct {
	requests  [][]byte
	repeat    time.Duration // 0: each request once; else they go round for as long
	status    int
	want      []byte // every answer's body holds it …
	times     int    // … so many times
	perAnswer int    // operations that a request is; 0: one
}

// A result is what a load came to.
type result struct {
	perSecond float64
	p50, p99  time.Duration // of a request
}

func (r result) note() string {
	return fmt.Sprintf("p50 %v, p99 %v", round(r.p50), round(r.p99))
}

func round(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

// drive sends the load over so many connections, each with one request in
// flight. Any answer that is not as it must be is an error.
func drive(addr string, l load, connections int) (result, error) {
	var next atomic.Int64
	return abreast(connections, max(l.perAnswer, 1), func(began time.Time) ([]time.Duration, error) { return l.one(addr, &next, began) })
}

// abreast runs n workers at once and puts together how long each of their
// calls took, each of so many events.
func abreast(n, events int, worker func(began time.Time) ([]time.Duration, error)) (result, error) {
	var (
		mu     sync.Mutex
		all    []time.Duration
		failed error
		wg     sync.WaitGroup
	)
	began := time.Now()
	for range n {
		wg.Go(func() {
			took, err := worker(began)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if err != nil && failed == nil {
				failed = err
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(began)
	if failed != nil {
		return result{}, failed
	}
	slices.Sort(all)
	return result{
		perSecond: float64(len(all)*events) / elapsed.Seconds(),
		p50:       all[len(all)/2], p99: all[len(all)*99/100],
	}, nil
}

func (l *load) one(addr string, next *atomic.Int64, began time.Time) (took []time.Duration, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	var body []byte
	for {
		i := int(next.Add(1) - 1)
		if l.repeat == 0 && i >= len(l.requests) || l.repeat > 0 && time.Since(began) > l.repeat {
			return took, nil
		}
		start := time.Now()
		if _, err := conn.Write(l.requests[i%len(l.requests)]); err != nil {
			return took, err
		}
		var status int
		if status, body, err = answer(in, body[:0]); err != nil {
			return took, err
		}
		took = append(took, time.Since(start))
		if status != l.status || bytes.Count(body, l.want) < l.times {
			return took, fmt.Errorf("request %d was answered with %d: %.300s", i, status, body)
		}
	}
}

// answer reads one HTTP/1.1 answer and appends its body to dst.
func answer(in *bufio.Reader, dst []byte) (status int, body []byte, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, dst, err
	}
	if len(line) < 12 {
		return 0, dst, fmt.Errorf("status line %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, dst, err
	}
	length, chunked := 0, false
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return status, dst, err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok {
			value = bytes.TrimSpace(value)
			switch {
			case bytes.EqualFold(name, []byte("Content-Length")):
				if length, err = strconv.Atoi(string(value)); err != nil {
					return status, dst, err
				}
			case bytes.EqualFold(name, []byte("Transfer-Encoding")):
				chunked = true
			}
		}
	}
	for {
		if chunked {
			if line, err = in.ReadSlice('\n'); err != nil {
				return status, dst, err
			}
			size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
			if err != nil {
				return status, dst, err
			}
			length = int(size)
		}
		at := len(dst)
		dst = slices.Grow(dst, length)[:at+length]
		if _, err = io.ReadFull(in, dst[at:]); err != nil {
			return status, dst, err
		}
		if !chunked {
			return status, dst, nil
		}
		if _, err = in.ReadSlice('\n'); err != nil || length == 0 {
			return status, dst, err
		}
	}
}

// post is a request with a body.
func post(path, contentType string, body []byte) []byte {
	return append(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", path, contentType, len(body)), body...)
}

func get(path string) []byte { return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path) }
