package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/semaphore"

	"github.com/eventseal/eventseal/host/replica"
)

var _ replica.Objects = (*Replica)(nil)

// Objects have their names under the prefix, and the headers with which a
// bucket that is served as it is is a log for whoever reads it.
const (
	objectType     = "application/octet-stream"
	checkpointType = "text/plain; charset=utf-8"
	digestKey      = "object-sha256" // in the metadata: by it a damaged object is told from another one
	parallel       = 16              // requests of one call
)

func (r *Replica) objectKey(name string) *string { return aws.String(r.prefix + name) }

func (r *Replica) turn(name string) *semaphore.Weighted {
	return r.turns[sha256.Sum256([]byte(name))[0]%byte(len(r.turns))]
}

// PutObjects implements replica.Objects, with a request for each, several at a
// time.
func (r *Replica) PutObjects(ctx context.Context, os []replica.Object) []error {
	if r.closed.Load() {
		return replica.EachError(len(os), replica.ErrClosed)
	}
	return replica.PutObjects(os, func(os []replica.Object) []error {
		errs := make([]error, len(os))
		replica.Each(len(os), parallel, func(i int) {
			o := os[i]
			errs[i] = r.keep(ctx, keeping{
				key: r.objectKey(o.Name), turn: r.turn(o.Name), bytes: o.Data,
				write:   func(on condition) error { return r.writeObject(ctx, o, cacheControl, on) },
				read:    func() ([]byte, string, error) { return r.readObject(ctx, o.Name) },
				damaged: func([]byte) bool { return false }, // read told
			})
		})
		return errs
	})
}

func (r *Replica) writeObject(ctx context.Context, o replica.Object, cache string, on condition) error {
	digest := sha256.Sum256(o.Data)
	in := &client.PutObjectInput{
		Bucket: &r.bucket, Key: r.objectKey(o.Name), Body: bytes.NewReader(o.Data),
		ContentType: aws.String(objectType), CacheControl: &cache,
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(digest[:])),
		Metadata:       map[string]string{digestKey: hex.EncodeToString(digest[:])},
	}
	if strings.HasSuffix(o.Name, "/checkpoint") {
		in.ContentType = aws.String(checkpointType)
	}
	on(in)
	_, err := r.c.PutObject(ctx, in)
	return err
}

// readObject fetches an object, and its ETag. One that lost its metadata, as
// in a copy of the bucket, is taken as it is.
func (r *Replica) readObject(ctx context.Context, name string) ([]byte, string, error) {
	f, err := r.fetch(ctx, r.objectKey(name), replica.MaxObject)
	if err != nil {
		return nil, f.etag, err
	}
	digest := sha256.Sum256(f.bytes)
	if want, known := f.metadata[digestKey]; known && want != hex.EncodeToString(digest[:]) {
		return nil, f.etag, fmt.Errorf("s3: s3://%s/%s: %w", r.bucket, *r.objectKey(name), replica.ErrCorrupt)
	}
	return f.bytes, f.etag, nil
}

// GetObject implements replica.Objects.
func (r *Replica) GetObject(ctx context.Context, name string) ([]byte, error) {
	if r.closed.Load() {
		return nil, replica.ErrClosed
	}
	if err := replica.CheckObject(name); err != nil {
		return nil, err
	}
	b, _, err := r.readObject(ctx, name)
	return b, err
}

// SwapObject implements replica.Objects by a conditional write. Where the server
// has none, two processes that swap at the same moment may both succeed, and
// the later one's stays.
func (r *Replica) SwapObject(ctx context.Context, name string, was, now []byte) error {
	if r.closed.Load() {
		return replica.ErrClosed
	}
	o := replica.Object{Name: name, Data: now}
	if err := o.Check(); err != nil {
		return err
	}
	conditional, err := r.probe(ctx)
	if err != nil {
		return wrap(ctx, err)
	}
	turn := r.turn(name)
	if err := turn.Acquire(ctx, 1); err != nil {
		return wrap(ctx, err)
	}
	defer turn.Release(1)
	conflict := fmt.Errorf("s3: s3://%s/%s: %w", r.bucket, *r.objectKey(name), replica.ErrConflict)
	held, etag, err := r.readObject(ctx, name)
	missing := errors.Is(err, replica.ErrNotFound)
	switch {
	case errors.Is(err, replica.ErrCorrupt):
		return fmt.Errorf("%w: %w", conflict, err)
	case err != nil && !missing:
		return err
	case missing != (was == nil), !bytes.Equal(held, was):
		return conflict
	}
	on := condition(always)
	if conditional && missing {
		on = ifNew
	} else if conditional && etag != "" {
		on = ifStill(etag)
	}
	err = r.writeObject(ctx, o, "no-cache", on)
	if conditional && !missing && lacks(err) { // it knows If-None-Match alone
		err = r.writeObject(ctx, o, "no-cache", always)
	}
	if refused(err) || is(err, "NoSuchKey") { // what was to be replaced is gone
		return conflict
	}
	return wrap(ctx, err)
}

// DeleteObjects implements replica.Objects. Not every server has a request for
// several.
func (r *Replica) DeleteObjects(ctx context.Context, names []string) error {
	if r.closed.Load() {
		return replica.ErrClosed
	}
	if err := replica.CheckObjectNames(names); err != nil {
		return err
	}
	errs := make([]error, len(names))
	replica.Each(len(names), parallel, func(i int) {
		_, err := r.c.DeleteObject(ctx, &client.DeleteObjectInput{Bucket: &r.bucket, Key: r.objectKey(names[i])})
		if err = wrap(ctx, err); !errors.Is(err, replica.ErrNotFound) {
			errs[i] = err
		}
	})
	return errors.Join(errs...)
}

// ListObjects implements replica.Objects. A prefix without a slash may be one of
// events, too, which are then passed over one by one.
func (r *Replica) ListObjects(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if r.closed.Load() {
			yield("", replica.ErrClosed)
			return
		}
		pages := client.NewListObjectsV2Paginator(r.c, &client.ListObjectsV2Input{Bucket: &r.bucket, Prefix: r.objectKey(prefix)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield("", wrap(ctx, err))
				return
			}
			for _, object := range page.Contents {
				name := strings.TrimPrefix(aws.ToString(object.Key), r.prefix)
				if replica.CheckObject(name) == nil && !yield(name, nil) {
					return
				}
			}
		}
	}
}
