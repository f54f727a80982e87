package servers

import (
	"path/filepath"
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
