package servers

import (
	"fmt"
	"os"
	"path/filepath"
)

// NewHost prepares an Eventseal host in dir from a configuration file's text,
// which must not say where to listen. binary is the path of eventseal; env
// holds the secrets, as NAME=value.
func NewHost(dir, binary, config string, env ...string) (*Server, error) {
	addr, held, err := address(dir)
	if err != nil {
		return nil, err
	}
	file, err := writeFile(dir, "eventseal.toml", config)
	if err != nil {
		return nil, err
	}
	return &Server{
		Kind: "host", Addr: addr, Dir: dir, port: held, env: env,
		argv:  []string{binary, "serve", "--config", file, "--listen", addr, "--data", filepath.Join(dir, "data")},
		ready: answers("GET", "http://"+addr+"/readyz"),
	}, nil
}

// stackConfig is a host's over the stack. Of the four places that count, any
// one may be down.
const stackConfig = `min_redundancy = 3

[[replica]]
name = "local-a"
kind = "local"

[[replica]]
name = "local-b"
kind = "local"

[[replica]]
name = "cache"
kind = "redis"
redis.addresses = [%q]

[[replica]]
name = "bucket"
kind = "s3"
s3.endpoint = %q
s3.region = %q
s3.bucket = %q
s3.path_style = true
s3.access_key_id = %q

[[replica]]
name = "node"
kind = "ipfs"
ipfs.api = %q
`

// StackConfig is the configuration file of a host over two local replicas, a
// Redis (host:port), a bucket of an S3 gateway (URL) and an IPFS node (URL), and
// the secrets as NAME=value.
func StackConfig(redis, s3, bucket, ipfs string) (text string, env []string) {
	return fmt.Sprintf(stackConfig, redis, s3, S3Region, bucket, S3AccessKey, ipfs),
		[]string{"EVENTSEAL_REPLICA_BUCKET_S3_SECRET_ACCESS_KEY=" + S3SecretKey}
}

// anchorConfig puts every event and, six times a minute, a head on a chain.
const anchorConfig = `
[anchor]
driver = "antelope"
endpoints = [%q]
chain_id = %q
contract = %q
permission = %q
every = "10s"
events = ["*"]
`

// AnchorConfig is what a host's configuration file has at its end when it anchors to a chain (URL),
// and the secret: a permission's private key.
func AnchorConfig(chain, id, contract, permission, key string) (text string, env []string) {
	return fmt.Sprintf(anchorConfig, chain, id, contract, permission), []string{"EVENTSEAL_ANCHOR_KEY=" + key}
}

// MakeDir makes a server's folder.
func MakeDir(parts ...string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(parts...))
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o700)
}
