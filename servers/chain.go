package servers

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/eventseal/eventseal/servers/chain"
)

// NewChain prepares a test chain in dir, which makes a block every half second and is
// there again after a start. binary is the path of testchain; args are further
// command line options, such as "--key", and win over the defaults. A chain
// in the test's own process is chain.New of package servers/chain.
func NewChain(dir, binary string, args ...string) (*Server, error) {
	addr, held, err := address(dir)
	if err != nil {
		return nil, err
	}
	argv := []string{binary, "--listen", addr, "--dir", filepath.Join(dir, "data")}
	return &Server{
		Kind: "chain", Addr: addr, Dir: dir, port: held, argv: append(argv, args...),
		ready: answers("GET", "http://"+addr+"/v1/chain/get_info"),
	}, nil
}

// ChainKey returns the key pair that is kept in dir, drawn when there was none: PVT_K1_…, PUB_K1_….
func ChainKey(dir string) (private, public string, err error) {
	file := filepath.Join(dir, "key")
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		private, public = chain.Key(rand.Text())
		_, err = writeFile(dir, "key", private+"\n"+public+"\n")
		return private, public, err
	}
	private, public, _ = strings.Cut(strings.TrimSpace(string(b)), "\n")
	if err == nil && !strings.HasPrefix(public, "PUB_K1_") {
		err = fmt.Errorf("servers: %s does not have two lines, a private key and its public one", file)
	}
	return private, public, err
}

// ChainID asks a test chain that answers at a URL for its id.
func ChainID(url string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(url + "/v1/chain/get_info")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var info struct {
		ChainID string `json:"chain_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&info); err != nil {
		return "", fmt.Errorf("servers: %s: %s: %w", url, resp.Status, err)
	}
	if info.ChainID == "" {
		return "", fmt.Errorf("servers: %s does not tell its chain id: %s", url, resp.Status)
	}
	return info.ChainID, nil
}
