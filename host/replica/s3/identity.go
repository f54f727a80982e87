package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/eventseal/eventseal/host/replica"
)

var _ replica.Identified = (*Replica)(nil)

// maxPlace bounds the object of the place's id when it is read.
const maxPlace = 4 << 10

// A label is what the object of the place's id holds, and its ETag, "" where
// there is no object.
type label struct {
	ID   string `json:"id"`
	etag string
}

// place is the key of the place's id. No hash is spelled so.
func (r *Replica) place() *string { return aws.String(r.prefix + "place.json") }

// Identity implements replica.Identified: the id is in an object beside the
// events.
func (r *Replica) Identity(ctx context.Context, _ []string) (string, error) {
	if r.closed.Load() {
		return "", replica.ErrClosed
	}
	held, err := r.label(ctx)
	if err != nil {
		return "", permitted(ctx, err)
	}
	r.seen.Store(&held)
	if held.etag == "" {
		return "", nil
	}
	if err := replica.CheckID(held.ID); err != nil {
		return "", fmt.Errorf("s3: s3://%s/%s: %w", r.bucket, *r.place(), err)
	}
	return held.ID, nil
}

// label reads the object; one that cannot be understood has no id.
func (r *Replica) label(ctx context.Context) (label, error) {
	out, err := r.c.GetObject(ctx, &client.GetObjectInput{Bucket: &r.bucket, Key: r.place()})
	if is(err, "NoSuchKey", "NotFound") {
		return label{}, nil
	}
	if err != nil {
		return label{}, err
	}
	defer out.Body.Close()
	b, err := io.ReadAll(io.LimitReader(out.Body, maxPlace))
	if err != nil {
		return label{}, err
	}
	var held label
	_ = json.Unmarshal(b, &held)
	if held.etag = aws.ToString(out.ETag); held.etag == "" {
		held.etag = "*" // whatever is there
	}
	return held, nil
}

// Identify implements replica.Identified by a conditional write. Where the
// server has none, two hosts that give the place its first id at the same
// moment may both succeed, and the later one's stays.
func (r *Replica) Identify(ctx context.Context, id string) error {
	if r.closed.Load() {
		return replica.ErrClosed
	}
	if err := replica.CheckID(id); err != nil {
		return fmt.Errorf("s3: %w", err)
	}
	if r.seen.Load() == nil {
		if _, err := r.Identity(ctx, nil); err != nil && !errors.Is(err, replica.ErrCorrupt) {
			return err
		}
	}
	seen := *r.seen.Load()
	conditional, err := r.probe(ctx)
	if err != nil {
		return permitted(ctx, err)
	}
	if conditional {
		on := ifNew
		if seen.etag != "" {
			on = ifStill(seen.etag)
		}
		err = r.writeLabel(ctx, id, on)
	}
	var held label
	if !conditional || seen.etag != "" && lacks(err) {
		if held, err = r.label(ctx); err == nil && (held.ID == seen.ID || held.ID == id) {
			err = r.writeLabel(ctx, id, always)
		}
	}
	if err != nil && !refused(err) && !is(err, "NoSuchKey") { // what was to be replaced is gone
		return permitted(ctx, err)
	}
	// What refused the second attempt may be the first one, whose answer was lost.
	if held, err = r.label(ctx); err != nil {
		return permitted(ctx, err)
	}
	if held.ID != id {
		return fmt.Errorf("s3: s3://%s/%s: somebody else gave it another id: %w", r.bucket, *r.place(), replica.ErrConflict)
	}
	r.seen.Store(&held)
	return nil
}

func (r *Replica) writeLabel(ctx context.Context, id string, on condition) error {
	b, err := json.Marshal(label{ID: id})
	if err != nil {
		return err
	}
	in := &client.PutObjectInput{
		Bucket: &r.bucket, Key: r.place(), Body: bytes.NewReader(append(b, '\n')), ContentType: aws.String(contentType),
		CacheControl: aws.String("no-cache"), // not immutable, as events are
	}
	on(in)
	_, err = r.c.PutObject(ctx, in)
	return err
}

// permitted is wrap for what a policy may keep the host from.
func permitted(ctx context.Context, err error) error {
	if is(err, "AccessDenied", "MethodNotAllowed") || status(err) == http.StatusMethodNotAllowed {
		return fmt.Errorf("s3: %w: %w", replica.ErrNoIdentity, err)
	}
	return wrap(ctx, err)
}
