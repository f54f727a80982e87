package chain

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A State is what the control answers.
type State struct {
	ChainID      string                       `json:"chain_id"`
	Account      string                       `json:"account"`
	Head         Block                        `json:"head"`
	LIB          Block                        `json:"lib"`
	Use          Account                      `json:"use"`
	Transactions []Transaction                `json:"transactions"` // at most the last 100
	Rows         map[string][]json.RawMessage `json:"rows"`         // at most the last 100 of each table
	Nodes        []string                     `json:"nodes"`        // URLs of those that listen
}

// State returns what the chain is just now.
func (c *Chain) State() State {
	s := State{ChainID: c.ID(), Account: c.o.Account, Head: c.Head(), LIB: c.LIB(), Use: c.Account(), Rows: map[string][]json.RawMessage{}, Nodes: []string{}}
	s.Transactions = last(c.Transactions())
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.main.state.code.abi.def.Tables {
		rows, err := c.main.state.all(c.self, t.Name)
		if err == nil {
			s.Rows[t.Name] = last(rows)
		}
	}
	for _, n := range c.nodes {
		if n.url != "" {
			s.Nodes = append(s.Nodes, n.url)
		}
	}
	return s
}

func last[T any](list []T) []T { return list[max(0, len(list)-100):] }

type command struct {
	Blocks  *int     `json:"blocks"`
	Seconds *float64 `json:"seconds"`
	Depth   int      `json:"depth"`
	Keep    bool     `json:"keep"`
	Lag     *int     `json:"lag"`
	Hold    *bool    `json:"hold"`
	On      *bool    `json:"on"`
	Limits
	Action  string   `json:"action"`
	Data    hexBytes `json:"data"`
	Node    int      `json:"node"`
	View    string   `json:"view"`
	Outage  string   `json:"outage"`
	Forget  *int     `json:"forget"`
	Refuse  *int     `json:"refuse"`
	Code    int      `json:"code"`
	DelayMs *int     `json:"delay_ms"`
	Strings *bool    `json:"strings"`
	Heads   *bool    `json:"heads"`
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// control answers a request of /test/.
func (c *Chain) control(w http.ResponseWriter, r *http.Request) {
	err := fmt.Errorf("chain: no such control, %s %s", r.Method, r.URL.Path)
	if r.Method == http.MethodGet && r.URL.Path == "/test/state" {
		err = nil
	} else if do, ok := controls[r.URL.Path]; ok && r.Method == http.MethodPost {
		var k command
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err = d.Decode(&k); err == nil || err == io.EOF {
			err = do(c, &k)
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(c.State())
}

var controls = map[string]func(c *Chain, k *command) error{
	"/test/produce": func(c *Chain, k *command) error {
		n := 1
		if k.Blocks != nil {
			n = *k.Blocks
		}
		if n < 0 || n > 1e6 {
			return fmt.Errorf("chain: %d blocks", n)
		}
		c.Produce(n)
		return nil
	},
	"/test/advance": func(c *Chain, k *command) error {
		if k.Seconds == nil || *k.Seconds < 0 || *k.Seconds > 1e8 {
			return fmt.Errorf("chain: advance by how many seconds?")
		}
		c.Advance(time.Duration(*k.Seconds * float64(time.Second)))
		return nil
	},
	"/test/fork": func(c *Chain, k *command) error { return c.Fork(k.Depth, Fate(k.Keep)) },
	"/test/lib": func(c *Chain, k *command) error {
		if k.Hold != nil {
			c.HoldLIB(*k.Hold)
		}
		if k.Lag != nil {
			c.SetLag(*k.Lag)
		}
		return nil
	},
	"/test/auto": func(c *Chain, k *command) error {
		if k.On != nil {
			c.SetAuto(*k.On)
		}
		return nil
	},
	"/test/limits": func(c *Chain, k *command) error { c.SetLimits(k.Limits); return nil },
	"/test/act":    func(c *Chain, k *command) error { _, err := c.Act(k.Action, k.Data); return err },
	"/test/node": func(c *Chain, k *command) error {
		if k.Node < 0 || k.Node > 100 {
			return fmt.Errorf("chain: no node %d", k.Node)
		}
		return c.Node(k.Node).command(k)
	},
}

func (n *Node) command(k *command) error {
	switch k.View {
	case "":
	case "follow":
		n.Thaw()
	case "frozen":
		n.Freeze()
	case "stranded":
		n.Strand()
	default:
		return fmt.Errorf("chain: no view %q", k.View)
	}
	if k.Forget != nil {
		n.Forget(*k.Forget)
	}
	if k.Refuse != nil {
		n.Refuse(k.Code, *k.Refuse)
	}
	if k.DelayMs != nil {
		n.Delay(time.Duration(*k.DelayMs) * time.Millisecond)
	}
	if k.Strings != nil {
		n.StringNumbers(*k.Strings)
	}
	if k.Heads != nil {
		n.HeadMode(*k.Heads)
	}
	if k.Outage == "" {
		return nil
	}
	o, ok := map[string]Outage{"up": Up, "refused": Refused, "502": BadGateway, "503": Unavailable, "silent": Silent}[k.Outage]
	if !ok {
		return fmt.Errorf("chain: no outage %q", k.Outage)
	}
	return n.Down(o)
}
