package s3

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers"
)

func putObject(t *testing.T, r *Replica, o replica.Object) {
	t.Helper()
	if err := r.PutObjects(ctx, []replica.Object{o})[0]; err != nil {
		t.Fatal(err)
	}
}

// A bucket that is served as it is tells whoever reads the log what he has to know.
func TestWhatObjectsSay(t *testing.T) {
	r := open(t, fresh(t, servers.S3(t)))
	putObject(t, r, replicatest.Object("log/a/tile/0/000", 1, 8192))
	if err := r.SwapObject(ctx, "log/a/checkpoint", nil, []byte("origin\n")); err != nil {
		t.Fatal(err)
	}
	if err := r.SwapObject(ctx, "log/a/checkpoint", []byte("origin\n"), []byte("origin\n2\n")); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string][2]string{
		"events/log/a/tile/0/000": {"application/octet-stream", "public, max-age=31536000, immutable"},
		"events/log/a/checkpoint": {"text/plain; charset=utf-8", "no-cache"},
	} {
		head, err := r.c.HeadObject(ctx, &client.HeadObjectInput{Bucket: &r.bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]string{aws.ToString(head.ContentType), aws.ToString(head.CacheControl)}; got != want || aws.ToString(head.ChecksumSHA256) == "" {
			t.Errorf("%s: %q, checksum %q", key, got, aws.ToString(head.ChecksumSHA256))
		}
	}
}

// Of two processes one at most swaps, as the server compares.
func TestSwapsOfSeveralProcesses(t *testing.T) {
	o := fresh(t, servers.S3(t))
	rs := make([]*Replica, 4)
	for i := range rs {
		rs[i] = open(t, o)
	}
	was := []byte(nil)
	for round := range 10 {
		errs := make([]error, len(rs))
		var wg sync.WaitGroup
		for i, r := range rs {
			wg.Go(func() { errs[i] = r.SwapObject(ctx, "log/a/checkpoint", was, fmt.Appendf(nil, "%d of %d", i, round)) })
		}
		wg.Wait()
		winner := -1
		for i, err := range errs {
			if err == nil && winner >= 0 {
				t.Fatalf("round %d: both %d and %d succeed", round, winner, i)
			} else if err == nil {
				winner = i
			} else if !errors.Is(err, replica.ErrConflict) {
				t.Fatal(err)
			}
		}
		if winner < 0 {
			t.Fatal("nobody succeeds")
		}
		was = fmt.Appendf(nil, "%d of %d", winner, round)
		if b, err := rs[0].GetObject(ctx, "log/a/checkpoint"); err != nil || string(b) != string(was) {
			t.Fatalf("%q, %v", b, err)
		}
	}
}

// An object without metadata, as another tool's copy of it is, is taken as it is.
func TestAnObjectWithoutMetadata(t *testing.T) {
	r := open(t, fresh(t, servers.S3(t)))
	o := replicatest.Object("log/a/tile/0/000", 1, 300)
	putObject(t, r, o)
	if _, err := r.c.CopyObject(ctx, &client.CopyObjectInput{
		Bucket: &r.bucket, Key: r.objectKey(o.Name), CopySource: aws.String(r.bucket + "/" + *r.objectKey(o.Name)), MetadataDirective: types.MetadataDirectiveReplace,
	}); err != nil {
		t.Fatal(err)
	}
	putObject(t, r, o)
	if b, err := r.GetObject(ctx, o.Name); err != nil || string(b) != string(o.Data) {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if err := r.PutObjects(ctx, []replica.Object{replicatest.Object(o.Name, 2, 300)})[0]; !errors.Is(err, replica.ErrConflict) {
		t.Fatal(err)
	}
}

// Listing events does not go through the objects, of which there may be many.
func TestListPassesOverObjects(t *testing.T) {
	s := servers.S3(t)
	var lists, delimited atomic.Int32
	o := fresh(t, s)
	o.Endpoint = before(t, s, func(_ http.ResponseWriter, req *http.Request) bool {
		if req.URL.Query().Get("list-type") == "2" {
			lists.Add(1)
			if req.URL.Query().Get("delimiter") == "/" {
				delimited.Add(1)
			}
		}
		return false
	})
	r := open(t, o)
	v := replicatest.Event(1, 300, 0)
	if _, err := r.Put(ctx, v); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		putObject(t, r, replicatest.Object(fmt.Sprintf("log/a/tile/0/%03d", i), 1, 10))
	}
	n := 0
	for ref, err := range r.List(ctx) {
		if n++; err != nil || ref.Hash != v.Hash() {
			t.Fatalf("%s, %v", ref.Hash, err)
		}
	}
	if n != 1 || lists.Load() != 1 || delimited.Load() != 1 {
		t.Errorf("%d events in %d requests, %d of them with a delimiter", n, lists.Load(), delimited.Load())
	}
}
