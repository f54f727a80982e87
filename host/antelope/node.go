package antelope

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Node is one node of the chain, for one call of Client.Use. The errors of its
// methods are *Error where the node answered the call with a refusal of its own,
// and otherwise faults, after which another node is asked.
type Node struct {
	c       *Client
	at      *endpoint
	lenient bool // it may be behind
}

// Bounds of answers, in bytes.
const (
	maxAnswer = 1 << 20
	maxBlock  = 16 << 20
)

// Info returns how the node stands. It is to be called first: a node of another
// chain, or one that is behind, is not looked at any further.
func (n *Node) Info(ctx context.Context) (info Info, err error) {
	answer, err := n.call(ctx, "get_info", struct{}{}, maxAnswer)
	if err == nil {
		info, err = parseInfo(answer)
	}
	if err == nil {
		err = n.c.judge(n.at, info, n.lenient)
	}
	return info, n.Blame(err) // no node that works refuses this call
}

// A RowsQuery asks for rows of a table whose primary key is a number.
type RowsQuery struct {
	Code, Scope, Table Name
	Lower, Upper       *uint64 // nil: no bound; both are included
	Limit              int
	Reverse            bool // the highest first
}

// Rows returns rows as JSON objects, by the contract's ABI, at most Limit, and
// whether there are more. A node may return fewer than there are. They are of
// the newest block that the node has, not of an irreversible one.
func (n *Node) Rows(ctx context.Context, q RowsQuery) (rows []json.RawMessage, more bool, err error) {
	in := map[string]any{
		"json": true, "code": q.Code.String(), "scope": q.Scope.String(), "table": q.Table.String(),
		"limit": q.Limit, "reverse": q.Reverse, "show_payer": false,
	}
	for name, bound := range map[string]*uint64{"lower_bound": q.Lower, "upper_bound": q.Upper} {
		if bound != nil {
			in[name] = fmt.Sprint(*bound)
		}
	}
	answer, err := n.call(ctx, "get_table_rows", in, maxAnswer)
	if err != nil {
		return nil, false, n.unknownCall(err)
	}
	rows, more, err = parseRows(answer, q.Limit)
	return rows, more, n.Blame(err)
}

// BlockInfo returns a block without its transactions. *Error of CodeUnknownBlock:
// the node does not have it.
func (n *Node) BlockInfo(ctx context.Context, num uint32) (b BlockInfo, err error) {
	answer, err := n.call(ctx, "get_block_info", map[string]any{"block_num": num}, maxAnswer)
	if err != nil {
		return b, n.unknownCall(err)
	}
	b, err = parseBlockInfo(answer, num)
	return b, n.Blame(err)
}

// Block returns a block with its transactions. An error that is Unserved: the
// node does not have it, or does not serve blocks.
func (n *Node) Block(ctx context.Context, num uint32) (b Block, err error) {
	answer, err := n.call(ctx, "get_block", map[string]any{"block_num_or_id": fmt.Sprint(num)}, maxBlock)
	if err != nil {
		return b, err
	}
	b, err = parseBlock(answer, num)
	return b, n.Blame(err)
}

// Send gives the node a transaction. nil: the node has executed it, passes it
// on, and may forget it; that it is in a block is to be looked up. Of an error
// Refused says whether it is the chain's word.
func (n *Node) Send(ctx context.Context, packed []byte, signatures []string) error {
	answer, err := n.call(ctx, "send_transaction2", map[string]any{
		"return_failure_trace": false, // or a failure would be answered as a success
		"retry_trx":            false, // off by default, and hangs where an id comes twice
		"transaction": map[string]any{
			"signatures": signatures, "compression": "none", "packed_context_free_data": "", "packed_trx": hex.EncodeToString(packed),
		},
	}, maxAnswer)
	if err == nil {
		err = parseSent(answer)
	}
	var e *Error
	if errors.As(err, &e) && ofChain(e.Code) {
		return err
	}
	return n.Blame(err)
}

// call posts a call and returns its answer.
func (n *Node) call(ctx context.Context, name string, in any, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, n.c.timeout)
	defer cancel()
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.at.url.JoinPath("v1/chain", name).String(), bytes.NewReader(body))
	if err != nil {
		return nil, n.Blame(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := n.c.http.Do(req)
	if err != nil {
		var u *url.Error // has the whole address
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, n.Blame(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, n.Blame(fmt.Errorf("%s: %w", name, err))
	case int64(len(answer)) > limit:
		return nil, n.Blame(fmt.Errorf("%s: the answer has more than %d bytes", name, limit))
	case resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusAccepted || resp.StatusCode == http.StatusCreated:
		return answer, nil
	}
	if e := parseError(resp.StatusCode, answer); e != nil {
		return nil, e
	}
	return nil, n.Blame(fmt.Errorf("%s: HTTP status %s", name, resp.Status))
}

// Blame makes an error the node's fault, so that Use asks the next one: for what
// only the caller can see, such as a head that never moves.
func (n *Node) Blame(err error) error {
	var f *fault
	if err == nil || errors.As(err, &f) {
		return err
	}
	return &fault{n.at.host, err}
}

// unknownCall makes it the node's fault that it has no such call.
func (n *Node) unknownCall(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Code == 0 {
		return n.Blame(err)
	}
	return err
}

// parseTime reads the times of nodeos, which are UTC and may say so.
func parseTime(s string) (time.Time, error) {
	return time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(s, "Z"))
}
