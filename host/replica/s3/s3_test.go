package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers"
)

var ctx = context.Background()

var buckets atomic.Int32

// fresh returns options for a new bucket of the server.
func fresh(t *testing.T, s *servers.Server) Options {
	t.Helper()
	bucket := fmt.Sprintf("bucket-%d", buckets.Add(1))
	if err := s.Bucket(bucket); err != nil {
		t.Fatal(err)
	}
	return Options{
		Endpoint: s.URL(), Region: servers.S3Region, Bucket: bucket, PathStyle: true,
		AccessKeyID: servers.S3AccessKey, SecretAccessKey: servers.S3SecretKey,
	}
}

func open(t *testing.T, o Options) *Replica {
	t.Helper()
	r, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// place puts an object with the server's own client.
func place(t *testing.T, r *Replica, v module.Verified, body []byte) {
	t.Helper()
	if _, err := r.c.PutObject(ctx, &client.PutObjectInput{Bucket: &r.bucket, Key: r.key(v.Hash()), Body: bytes.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
}

func conformance(t *testing.T, options func(t *testing.T) Options) {
	replicatest.Run(t, func(t *testing.T) replicatest.Subject {
		o := options(t)
		r := open(t, o)
		return replicatest.Subject{
			Replica: r,
			Close:   r.Close,
			Reopen: func(t *testing.T) replica.Replica {
				_ = r.Close()
				return open(t, o)
			},
			Corrupt: func(t *testing.T, ref replica.Ref) {
				key := strings.TrimPrefix(ref.Location, "s3://"+r.bucket+"/")
				if _, err := r.c.PutObject(ctx, &client.PutObjectInput{Bucket: &r.bucket, Key: &key, Body: strings.NewReader(`{"forged":true}`)}); err != nil {
					t.Fatal(err)
				}
			},
			CorruptObject: func(t *testing.T, name string) { // as a disk does, which leaves what is said of it
				head, err := r.c.HeadObject(ctx, &client.HeadObjectInput{Bucket: &r.bucket, Key: r.objectKey(name)})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := r.c.PutObject(ctx, &client.PutObjectInput{Bucket: &r.bucket, Key: r.objectKey(name), Metadata: head.Metadata, Body: strings.NewReader("damaged")}); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

func TestConformance(t *testing.T) {
	s := servers.S3(t)
	conformance(t, func(t *testing.T) Options { return fresh(t, s) })
}

// Servers without conditional writes either say so or take no notice of the
// condition; a proxy before the real one does the same.
func TestConformanceWithoutConditionalWrites(t *testing.T) {
	s := servers.S3(t)
	for name, handle := range map[string]func(w http.ResponseWriter, req *http.Request) (done bool){
		"refused": func(w http.ResponseWriter, req *http.Request) bool {
			if req.Header.Get("If-None-Match") == "" && req.Header.Get("If-Match") == "" {
				return false
			}
			w.WriteHeader(http.StatusNotImplemented)
			_, _ = w.Write([]byte(`<?xml version="1.0"?><Error><Code>NotImplemented</Code></Error>`))
			return true
		},
		"ignored": func(_ http.ResponseWriter, req *http.Request) bool {
			req.Header.Del("If-None-Match")
			req.Header.Del("If-Match")
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			front := before(t, s, handle)
			conformance(t, func(t *testing.T) Options {
				o := fresh(t, s)
				o.Endpoint = front
				return o
			})
		})
	}
}

// before starts a proxy that sees each request first and signs what it sends on.
func before(t *testing.T, s *servers.Server, handle func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	target, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	who := aws.Credentials{AccessKeyID: servers.S3AccessKey, SecretAccessKey: servers.S3SecretKey}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		for name := range p.Out.Header {
			if n := strings.ToLower(name); !strings.HasPrefix(n, "x-amz-") && !strings.HasPrefix(n, "content-") && n != "cache-control" && n != "if-none-match" && n != "if-match" {
				p.Out.Header.Del(name)
			}
		}
		hash := p.Out.Header.Get("X-Amz-Content-Sha256")
		if err := v4.NewSigner().SignHTTP(ctx, who, p.Out, hash, "s3", servers.S3Region, time.Now(), func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }); err != nil {
			t.Error(err)
		}
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !handle(w, req) {
			proxy.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(front.Close)
	return front.URL
}

func TestWhatTheObjectSays(t *testing.T) {
	r := open(t, fresh(t, servers.S3(t)))
	plain := replicatest.Event(1, 500, 0)
	meta := *plain.Meta()
	meta.Type, meta.Author, meta.CreatedAt = "Änderung 100%", strings.Repeat("€", 1000), 1758390021
	v, err := module.Match(&meta, plain.Record())
	if err != nil {
		t.Fatal(err)
	}
	location, err := r.Put(ctx, v)
	if err != nil {
		t.Fatalf("a type that no header can carry loses the copy: %v", err)
	}
	if want := "s3://" + r.bucket + "/events/" + v.Hash().String() + ".json"; location != want {
		t.Errorf("location %s, want %s", location, want)
	}
	key := "events/" + v.Hash().String() + ".json"
	out, err := r.c.HeadObject(ctx, &client.HeadObjectInput{Bucket: &r.bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(v.Record())
	for _, c := range []struct{ what, got, want string }{
		{"Content-Type", aws.ToString(out.ContentType), "application/json"},
		{"Cache-Control", aws.ToString(out.CacheControl), "public, max-age=31536000, immutable"},
		{"event-type", out.Metadata["event-type"], "%C3%84nderung%20100%25"},
		{"event-author", out.Metadata["event-author"], ""},
		{"event-timestamp", out.Metadata["event-timestamp"], "1758390021"},
		{"checksum", aws.ToString(out.ChecksumSHA256), base64.StdEncoding.EncodeToString(sum[:])},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
}

// Two processes share nothing but the server.
func TestConditionalPutsOfProcessesHaveOneWinner(t *testing.T) {
	o := fresh(t, servers.S3(t))
	const racers = 8
	var rs [racers]*Replica
	for i := range rs {
		rs[i] = open(t, o)
	}
	for round := range uint64(10) {
		if round%2 == 1 { // over damage as over nothing
			place(t, rs[0], replicatest.Event(round, 300, 0), []byte("damage"))
		}
		var wins atomic.Int32
		var wg sync.WaitGroup
		for i, r := range rs {
			wg.Go(func() {
				_, err := r.Put(ctx, replicatest.Event(round, 300, i))
				if err == nil {
					wins.Add(1)
				} else if !errors.Is(err, replica.ErrConflict) {
					t.Errorf("racer %d: %v, want ErrConflict", i, err)
				}
			})
		}
		wg.Wait()
		if wins.Load() != 1 {
			t.Fatalf("round %d has %d winners", round, wins.Load())
		}
	}
}

func TestForeignObjectsAreRepaired(t *testing.T) {
	r := open(t, fresh(t, servers.S3(t)))
	v := replicatest.Event(1, 500, 0)
	for name, body := range map[string][]byte{
		"nothing": {}, "half of it": v.Record()[:200], "too much": bytes.Repeat([]byte("x"), module.MaxRecordBytes+1),
	} {
		place(t, r, v, body)
		got, err := r.Get(ctx, replica.Ref{Hash: v.Hash()})
		if err == nil && !bytes.Equal(got, body) || err != nil && !errors.Is(err, replica.ErrCorrupt) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if _, err := r.Put(ctx, v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := r.Get(ctx, replica.Ref{Hash: v.Hash()}); err != nil || !bytes.Equal(got, v.Record()) {
			t.Errorf("%s: not repaired: %v", name, err)
		}
	}
}

func TestRestart(t *testing.T) {
	s := servers.S3(t)
	r := open(t, fresh(t, s))
	v := replicatest.Event(1, 500, 0)
	if _, err := r.Put(ctx, v); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if err := r.Check(ctx); err == nil {
		t.Error("Check of a server that is down says nothing")
	}
	if _, err := r.Get(ctx, replica.Ref{Hash: v.Hash()}); err == nil || errors.Is(err, replica.ErrNotFound) {
		t.Errorf("Get from a server that is down: %v, want an error that is not ErrNotFound", err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Get(ctx, replica.Ref{Hash: v.Hash()}); err != nil || !bytes.Equal(got, v.Record()) {
		t.Errorf("after the restart: %v", err)
	}
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if _, err := r.Get(short, replica.Ref{Hash: v.Hash()}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get from a silent server: %v, want context.DeadlineExceeded", err)
	}
}

// A missing bucket or a wrong secret is not a missing event: repairing it by
// another copy would hide it.
func TestBucketAndSecretAreNotTheEvent(t *testing.T) {
	o := fresh(t, servers.S3(t))
	v := replicatest.Event(1, 500, 0)
	wrong := o
	wrong.SecretAccessKey = "wrong secret"
	missing := o
	missing.Bucket = "missing"
	for name, o := range map[string]Options{"secret": wrong, "bucket": missing} {
		r := open(t, o)
		if err := r.Check(ctx); err == nil {
			t.Errorf("%s: Check says nothing", name)
		}
		if _, err := r.Get(ctx, replica.Ref{Hash: v.Hash()}); err == nil || errors.Is(err, replica.ErrNotFound) {
			t.Errorf("%s: Get: %v, want an error that is not ErrNotFound", name, err)
		}
		if _, err := r.Put(ctx, v); err == nil {
			t.Errorf("%s: Put succeeds", name)
		} else if strings.Contains(err.Error(), wrong.SecretAccessKey) {
			t.Error("the error tells the secret")
		}
	}
}

// Who waits for another's first question to a silent server leaves when its
// own context ends.
func TestNobodyWaitsForAnothersProbe(t *testing.T) {
	s := servers.S3(t)
	r := open(t, fresh(t, s))
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	patient, give := context.WithCancel(ctx)
	first := make(chan error)
	go func() { _, err := r.Put(patient, replicatest.Event(1, 500, 0)); first <- err }()
	var wg sync.WaitGroup
	for i := range uint64(8) {
		wg.Go(func() {
			short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			start := time.Now()
			if _, err := r.Put(short, replicatest.Event(i+2, 500, 0)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want context.DeadlineExceeded", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	wg.Wait()
	give()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Put(ctx, replicatest.Event(1, 500, 0)); err != nil {
		t.Errorf("after the thaw: %v", err)
	}
}

// Without keys, they come from the environment or from the shared files; so
// does the region, also with keys.
func TestDefaultCredentialsAndRegion(t *testing.T) {
	full := fresh(t, servers.S3(t))
	bare := full
	bare.AccessKeyID, bare.SecretAccessKey, bare.Region = "", "", ""
	keyed := full
	keyed.Region = ""
	files := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(files, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	none := filepath.Join(files, "none")
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	works := func(t *testing.T, o Options, region string) {
		t.Helper()
		r := open(t, o)
		if got := r.c.Options().Region; got != region {
			t.Errorf("region %q, want %q", got, region)
		}
		if region == full.Region { // the server has no other
			if _, err := r.Put(ctx, replicatest.Event(1, 500, 0)); err != nil {
				t.Error(err)
			}
		}
	}
	t.Run("nowhere", func(t *testing.T) {
		works(t, keyed, "us-east-1")
		if err := open(t, bare).Check(ctx); err == nil {
			t.Error("no credentials at all open the bucket")
		}
	})
	t.Run("environment", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", full.AccessKeyID)
		t.Setenv("AWS_SECRET_ACCESS_KEY", full.SecretAccessKey)
		works(t, bare, "us-east-1")
		t.Setenv("AWS_REGION", "eu-central-1")
		works(t, keyed, "eu-central-1")
		works(t, full, full.Region)
	})
	t.Run("files", func(t *testing.T) {
		t.Setenv("AWS_CONFIG_FILE", write("config", "[default]\nregion = us-east-1\n"))
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", write("credentials",
			"[default]\naws_access_key_id = "+full.AccessKeyID+"\naws_secret_access_key = "+full.SecretAccessKey+"\n"))
		works(t, bare, "us-east-1")
	})
}

// One page holds 1,000 objects.
func TestListOfManyPages(t *testing.T) {
	r := open(t, fresh(t, servers.S3(t)))
	const n = 1005
	vs := make([]module.Verified, n)
	for i := range vs {
		vs[i] = replicatest.Event(uint64(i), 150, 0)
	}
	for i, o := range replica.PutBatch(ctx, r, vs) {
		if o.Err != nil {
			t.Fatal(i, o.Err)
		}
	}
	seen := map[string]bool{}
	for ref, err := range r.List(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		seen[ref.Location] = true
	}
	if len(seen) != n {
		t.Errorf("%d events are listed, want %d", len(seen), n)
	}
}
