package servers

import (
	"os"
	"path/filepath"
)

// What a client of the S3 gateway signs with.
const (
	S3AccessKey = "eventseal"
	S3SecretKey = "eventseal-loopback"
	S3Region    = "us-east-1"
)

// NewS3 prepares an S3 gateway over a folder in dir. Buckets are made with
// Bucket or through the API, with path style addresses.
func NewS3(dir string) (*Server, error) {
	path, err := binary("versitygw")
	if err != nil {
		return nil, err
	}
	addr, held, err := address(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	// Without --keep-alive every request costs a connection of its own.
	return &Server{
		Kind: "s3", Addr: addr, Dir: dir, port: held,
		env:   []string{"ROOT_ACCESS_KEY=" + S3AccessKey, "ROOT_SECRET_KEY=" + S3SecretKey},
		argv:  []string{path, "--quiet", "--keep-alive", "--port", addr, "--region", S3Region, "posix", data},
		ready: answers("GET", "http://"+addr+"/"),
	}, nil
}

// Bucket makes a bucket where there is none: for this gateway, a folder.
func (s *Server) Bucket(name string) error {
	return os.MkdirAll(filepath.Join(s.Dir, "data", name), 0o700)
}

// writeFile writes a file for a server to read.
func writeFile(dir, name, text string) (string, error) {
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}
