package faults

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	s3client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	redisclient "github.com/redis/go-redis/v9"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/wasm/digest"
)

var ctx = context.Background()

// patience is how long something may take that must come about at all, on a
// machine that does a lot besides.
const patience = time.Minute

// A stack is the real servers, one of each kind.
type stack struct{ redis, s3, kubo *servers.Server }

func newStack(t *testing.T) *stack {
	t.Helper()
	return &stack{servers.Redis(t, "--databases", "256"), servers.S3(t), servers.Kubo(t, "pebbleds")}
}

// A raw client looks at a place past everything of ours.
type raw interface {
	// get returns the copy of an event, nil where there is none that is whole.
	get(v module.Verified) ([]byte, error)
	// empty removes everything of these events, as an operator's mistake would.
	empty(vs []module.Verified) error
}

type rawRedis struct{ c *redisclient.Client }

func (r rawRedis) get(v module.Verified) ([]byte, error) {
	b, err := r.c.Get(ctx, "event:"+v.Hash().String()).Bytes()
	if errors.Is(err, redisclient.Nil) {
		return nil, nil
	}
	return b, err
}

func (r rawRedis) empty([]module.Verified) error { return r.c.FlushDB(ctx).Err() }

type rawS3 struct {
	c      *s3client.Client
	bucket string
}

func newRawS3(s *servers.Server, bucket string) rawS3 {
	return rawS3{s3client.New(s3client.Options{
		BaseEndpoint: aws.String(s.URL()), UsePathStyle: true, Region: servers.S3Region,
		Credentials: credentials.NewStaticCredentialsProvider(servers.S3AccessKey, servers.S3SecretKey, ""),
	}), bucket}
}

func (r rawS3) key(v module.Verified) *string {
	return aws.String("events/" + v.Hash().String() + ".json")
}

func (r rawS3) get(v module.Verified) ([]byte, error) {
	b, err := r.object(*r.key(v))
	var missing *types.NoSuchKey
	if errors.As(err, &missing) {
		return nil, nil
	}
	return b, err
}

func (r rawS3) object(key string) ([]byte, error) {
	out, err := r.c.GetObject(ctx, &s3client.GetObjectInput{Bucket: &r.bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	return io.ReadAll(out.Body)
}

func (r rawS3) remove(key string) error {
	_, err := r.c.DeleteObject(ctx, &s3client.DeleteObjectInput{Bucket: &r.bucket, Key: &key})
	return err
}

func (r rawS3) empty(vs []module.Verified) error {
	for _, v := range vs {
		if err := r.remove(*r.key(v)); err != nil {
			return err
		}
	}
	return nil
}

type rawIPFS struct {
	api    string
	pinned map[string]bool // CIDs, nil: ask for each, which costs the node a walk over its pins
}

// withPins is r with what is pinned now.
func (r rawIPFS) withPins() (rawIPFS, error) {
	b, err := r.call("pin/ls", url.Values{"type": {"all"}})
	if err != nil {
		return r, err
	}
	var pins struct{ Keys map[string]struct{} }
	err = json.Unmarshal(b, &pins)
	r.pinned = map[string]bool{}
	for cid := range pins.Keys {
		r.pinned[cid] = true
	}
	return r, err
}

// cid is the name under which any IPFS node knows a raw block: CIDv1, raw,
// sha2-256, in base 32.
func cid(h digest.Hash) string {
	name := append([]byte{1, 0x55, 0x12, 32}, h[:]...)
	return "b" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(name))
}

// call makes one request of the node's RPC API.
func (r rawIPFS) call(command string, query url.Values) ([]byte, error) {
	resp, err := http.Post(r.api+"/api/v0/"+command+"?"+query.Encode(), "", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", command, resp.Status, b)
	}
	return b, err
}

func gone(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "could not find") || strings.Contains(err.Error(), "is not pinned"))
}

// get wants the record, the preimage under the event's own hash, and both pinned.
func (r rawIPFS) get(v module.Verified) ([]byte, error) {
	preimage, err := r.call("block/get", url.Values{"arg": {cid(v.Hash())}, "offline": {"true"}})
	if err == nil && digest.Hash(sha256.Sum256(preimage)) != v.Hash() {
		return preimage, nil
	}
	var record []byte
	if err == nil {
		record, err = r.call("block/get", url.Values{"arg": {cid(v.Meta().RecordDigest)}, "offline": {"true"}})
	}
	for _, name := range []digest.Hash{v.Hash(), v.Meta().RecordDigest} {
		if r.pinned != nil && !r.pinned[cid(name)] {
			return nil, nil
		}
		if r.pinned == nil && err == nil {
			_, err = r.call("pin/ls", url.Values{"arg": {cid(name)}})
		}
	}
	if gone(err) {
		return nil, nil
	}
	return record, err
}

// empty unpins what holds the events and collects what nothing holds then.
func (r rawIPFS) empty(vs []module.Verified) error {
	for _, v := range vs {
		b, err := r.call("pin/ls", url.Values{"arg": {cid(v.Hash())}})
		if gone(err) {
			continue
		}
		if err != nil {
			return err
		}
		var pins struct {
			Keys map[string]struct{ Type string }
		}
		if err := json.Unmarshal(b, &pins); err != nil {
			return err
		}
		for _, pin := range pins.Keys {
			root, through := strings.CutPrefix(pin.Type, "indirect through ")
			if !through {
				return fmt.Errorf("pinned %q", pin.Type)
			}
			if _, err := r.call("pin/rm", url.Values{"arg": {root}}); err != nil && !gone(err) && !strings.Contains(err.Error(), "not pinned") {
				return err
			}
		}
	}
	_, err := r.call("repo/gc", url.Values{})
	return err
}

// rawLocal reads through the replica itself, which alone may open its folder;
// what is behind its back are the files.
type rawLocal struct {
	r   replica.Replica
	dir string
}

func (r rawLocal) get(v module.Verified) ([]byte, error) {
	b, err := r.r.Get(ctx, replica.Ref{Hash: v.Hash()})
	if errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrCorrupt) {
		return nil, nil
	}
	return b, err
}

func (r rawLocal) files() ([]string, error) {
	return filepath.Glob(filepath.Join(r.dir, "*.log"))
}

func (r rawLocal) empty([]module.Verified) error {
	files, err := r.files()
	for _, file := range files {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

// harm calls do with every file that holds the event and where in it its
// record's middle is.
func (r rawLocal) harm(v module.Verified, do func(file string, at int) error) error {
	files, err := r.files()
	if err != nil {
		return err
	}
	found := false
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if at := bytes.Index(b, v.Record()); at >= 0 {
			found = true
			if err := do(file, at+len(v.Record())/2); err != nil {
				return err
			}
		}
	}
	if !found {
		return fmt.Errorf("no file holds %s", v.Hash())
	}
	return nil
}
