package witness

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Client asks one witness for its cosignatures of one log's heads. It is safe
// for concurrent use.
type Client struct {
	url  string
	key  checkpoint.Key
	http *http.Client

	mu   sync.Mutex
	last uint64 // size of the last head that the witness said it has cosigned
}

// NewClient returns a client of the witness whose submission prefix is prefix
// and whose key is key, a cosignature's. h may be nil; redirects are not followed.
func NewClient(prefix string, key checkpoint.Key, h *http.Client) (*Client, error) {
	u, err := url.Parse(prefix)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("witness: not the address of a witness such as https://witness.example.org")
	}
	if key.Kind != checkpoint.Cosignature {
		return nil, fmt.Errorf("witness: %s is not the key of a witness", key)
	}
	own := http.Client{Timeout: time.Minute}
	if h != nil {
		own = *h
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{url: u.JoinPath("add-checkpoint").String(), key: key, http: &own}, nil
}

// Key returns the key by which the witness is known.
func (c *Client) Key() checkpoint.Key { return c.key }

// Bounds of an answer, in bytes.
const (
	maxLines = 16 << 10
	maxTold  = 200
)

// Cosign has the witness cosign a signed checkpoint and returns its signature
// lines that verify, at least one. consistency makes the proof from a tree of
// an old size, at least 1, to the checkpoint's; it is asked only where one is
// needed. Where the witness has cosigned another head than was thought it is
// asked once more, from that head on. The error of a witness that knows the log
// at a larger size, or with another root, says so.
func (c *Client) Cosign(ctx context.Context, signed []byte, consistency func(old uint64) ([]digest.Hash, error)) ([]byte, error) {
	text, err := checkpoint.Text(signed)
	if err != nil {
		return nil, err
	}
	head, err := checkpoint.ParseText(text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	old := min(c.last, head.Size)
	c.mu.Unlock()
	for again := false; ; again = true {
		r := request{old: old, note: signed}
		if 0 < old && old < head.Size {
			if r.proof, err = consistency(old); err != nil {
				return nil, err
			}
		}
		lines, has, err := c.ask(ctx, signed, r)
		if err != nil {
			return nil, fmt.Errorf("witness %s: %w", c.key.Name, err)
		}
		if lines != nil {
			c.learn(head.Size)
			return lines, nil
		}
		c.learn(has)
		switch {
		case has > head.Size:
			return nil, fmt.Errorf("witness %s: it has cosigned this log at size %d, beyond this head's %d", c.key.Name, has, head.Size)
		case again || has == old:
			return nil, fmt.Errorf("witness %s: it said that its last head is of another size than %d, and now of %d", c.key.Name, old, has)
		}
		old = has
	}
}

// learn notes what the witness said. A later word counts, also of a smaller
// head: of a witness that lost what it had.
func (c *Client) learn(size uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = size
}

// ask makes one request. Without lines and an error the witness's last head is
// of the size has.
func (c *Client) ask(ctx context.Context, signed []byte, r request) (lines []byte, has uint64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(r.appendTo(nil)))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("User-Agent", "eventseal")
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxLines+1))
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("the answer broke off: %w", err)
	case len(body) > maxLines:
		return nil, 0, fmt.Errorf("the answer is larger than %d bytes", maxLines)
	case resp.StatusCode == http.StatusOK:
		lines, err = c.valid(signed, body)
		return lines, 0, err
	case resp.StatusCode == http.StatusConflict && resp.Header.Get("Content-Type") == "text/x.tlog.size":
		has, err = parseSize(strings.TrimSuffix(string(body), "\n"))
		return nil, has, err
	}
	told := strings.TrimSpace(strings.ToValidUTF8(string(body[:min(len(body), maxTold)]), "�"))
	return nil, 0, fmt.Errorf("answered %s: %s", resp.Status, cmp.Or(told, "nothing"))
}

// valid returns the lines of body that are the witness's signatures of the note.
func (c *Client) valid(signed, body []byte) ([]byte, error) {
	text, _, _ := strings.Cut(string(signed), "\n\n")
	var lines []byte
	for line := range strings.Lines(string(body)) {
		_, n, err := checkpoint.Open([]byte(text+"\n\n"+line), c.key.Verifier())
		if err == nil && len(n.Sigs) == 1 {
			lines = append(lines, line...)
			continue
		}
		var invalid *note.InvalidSignatureError
		if errors.As(err, &invalid) {
			return nil, errors.New("its signature does not verify")
		}
	}
	if lines == nil {
		return nil, errors.New("the answer has no signature of its key " + c.key.String())
	}
	return lines, nil
}
