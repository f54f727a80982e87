package s3

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	client "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers"
)

// Hosts that share a bucket agree on who gave it its id.
func TestTheFirstIDStays(t *testing.T) {
	o := fresh(t, servers.S3(t))
	first, second := replicatest.ID(), replicatest.ID()
	a, b := open(t, o), open(t, o)
	for _, r := range []*Replica{a, b} {
		if id, err := r.Identity(ctx, nil); id != "" || err != nil {
			t.Fatal(id, err)
		}
	}
	if err := a.Identify(ctx, first); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Identify(ctx, second); !errors.Is(err, replica.ErrConflict) {
			t.Errorf("%v, want ErrConflict", err)
		}
	}
	if id, err := b.Identity(ctx, nil); id != first || err != nil {
		t.Errorf("it holds %q, %v, want %q", id, err, first)
	}
	if err := b.Identify(ctx, second); err != nil { // knowing whose it takes
		t.Error(err)
	}
	if err := a.Identify(ctx, first); !errors.Is(err, replica.ErrConflict) {
		t.Errorf("%v, want ErrConflict", err)
	}
	if err := open(t, o).Identify(ctx, first); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoIDIsReplaced(t *testing.T) {
	r := open(t, fresh(t, servers.S3(t)))
	for _, body := range []string{"", "x", `{"id":7}`, `{"id":"x"}`, strings.Repeat("x", 2*maxPlace)} {
		if _, err := r.c.PutObject(ctx, &client.PutObjectInput{Bucket: &r.bucket, Key: r.place(), Body: strings.NewReader(body)}); err != nil {
			t.Fatal(err)
		}
		if id, err := r.Identity(ctx, nil); !errors.Is(err, replica.ErrCorrupt) {
			t.Errorf("%.10q: %q, %v, want ErrCorrupt", body, id, err)
		}
		want := replicatest.ID()
		if err := r.Identify(ctx, want); err != nil {
			t.Errorf("%.10q: %v", body, err)
		}
		if id, err := r.Identity(ctx, nil); id != want || err != nil {
			t.Errorf("%.10q: then %q, %v", body, id, err)
		}
	}
}

// A policy that leaves the host its events and nothing else is no fault of the
// place; a wrong secret or a missing bucket is one.
func TestABucketThatForbidsAnID(t *testing.T) {
	s := servers.S3(t)
	o := fresh(t, s)
	var reads atomic.Bool
	allowed := o
	allowed.Endpoint = before(t, s, func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, "/place.json") || reads.Load() && req.Method == http.MethodGet {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`))
		return true
	})
	r := open(t, allowed)
	if _, err := r.Put(ctx, replicatest.Event(1, 500, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Identity(ctx, nil); !errors.Is(err, replica.ErrNoIdentity) {
		t.Errorf("Identity: %v, want ErrNoIdentity", err)
	}
	reads.Store(true)
	if id, err := r.Identity(ctx, nil); id != "" || err != nil {
		t.Error(id, err)
	}
	if err := r.Identify(ctx, replicatest.ID()); !errors.Is(err, replica.ErrNoIdentity) {
		t.Errorf("Identify: %v, want ErrNoIdentity", err)
	}
	wrong, missing := o, o
	wrong.SecretAccessKey, missing.Bucket = "wrong secret", "missing"
	for name, o := range map[string]Options{"secret": wrong, "bucket": missing} {
		if id, err := open(t, o).Identity(ctx, nil); err == nil || errors.Is(err, replica.ErrNoIdentity) {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
}
