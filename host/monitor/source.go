package monitor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A source fetches what is below /log/ of a host. It is safe for concurrent use.
type source struct {
	base     *url.URL
	http     *http.Client
	attempts int
	pause    time.Duration
}

// requestTimeout bounds one request for a few kilobytes.
const requestTimeout = 30 * time.Second

func newSource(o Options) (*source, error) {
	u, err := url.Parse(o.Server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("want the address of a host, such as https://events.example.org")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 4 * lanes
	h := http.Client{Transport: transport}
	if o.HTTP != nil {
		h = *o.HTTP
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &source{base: u, http: &h, attempts: o.Attempts, pause: o.Pause / 5}, nil
}

// errNotFound: the host says that there is nothing at the path.
var errNotFound = errors.New("not found")

// get returns what is at a path below /log/, at most limit bytes.
func (s *source) get(ctx context.Context, path string, limit int64) ([]byte, error) {
	return s.fetch(ctx, "log/"+path, limit)
}

// fetch returns what is at a path. What fails for a passing reason is tried again.
func (s *source) fetch(ctx context.Context, path string, limit int64) ([]byte, error) {
	for attempt := 1; ; attempt++ {
		b, again, err := s.once(ctx, path, limit)
		if err == nil || !again || attempt >= s.attempts || ctx.Err() != nil {
			return b, err
		}
		t := time.NewTimer(time.Duration(attempt) * s.pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		}
	}
}

func (s *source) once(ctx context.Context, path string, limit int64) (b []byte, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	u := s.base.JoinPath(path)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("User-Agent", "eventseal")
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, true, err
	}
	defer resp.Body.Close()
	b, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch status := resp.StatusCode; {
	case err != nil:
		return nil, true, fmt.Errorf("%s: the answer broke off: %w", u, err)
	case status == http.StatusNotFound || status == http.StatusGone:
		return nil, false, fmt.Errorf("%s: %w", u, errNotFound)
	case status != http.StatusOK:
		told := strings.TrimSpace(strings.ToValidUTF8(string(b[:min(len(b), 300)]), "\ufffd"))
		return nil, status >= 500 || status == http.StatusTooManyRequests, fmt.Errorf("%s answered %s: %s", u, resp.Status, cmp.Or(told, "nothing"))
	case int64(len(b)) > limit:
		return nil, false, fmt.Errorf("%s: the answer is larger than %d bytes", u, limit)
	}
	return b, false, nil
}

// maxTile is larger than any tile or bundle.
const maxTile = 16 << 10

// A goneError is a tile or bundle that a signed head has and the host does not serve.
type goneError struct{ name tile.Name }

func (e *goneError) Error() string { return "the host does not serve " + e.name.Path() }

// tile returns the content of a tile or bundle, of the right length. A partial
// one that the host does not have any more is cut from the full one.
func (s *source) tile(ctx context.Context, n tile.Name) ([]byte, error) {
	size := digest.Size
	if n.Level == tile.Entries {
		size += 2 // its length, before each hash
	}
	b, err := s.get(ctx, n.Path(), maxTile)
	if errors.Is(err, errNotFound) && n.Width < tile.Width {
		full := n
		full.Width = tile.Width
		if b, err = s.get(ctx, full.Path(), maxTile); err == nil && len(b) == tile.Width*size {
			b = b[:n.Width*size]
		}
	}
	if errors.Is(err, errNotFound) {
		return nil, &goneError{n}
	}
	if err == nil && len(b) != n.Width*size {
		return nil, &Finding{Kind: BadTile, Detail: fmt.Sprintf("%s has %d bytes, not %d", n.Path(), len(b), n.Width*size), Tiles: []Tile{{n.Path(), b}}}
	}
	return b, err
}

// name is the other spelling of a tile's name.
func name(t tlog.Tile) tile.Name {
	return tile.Name{Level: t.L, Number: uint64(t.N), Width: t.W}
}
