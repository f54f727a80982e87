package s3

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/semaphore"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
)

// What every object says of itself.
const (
	contentType  = "application/json"
	cacheControl = "public, max-age=31536000, immutable" // the content is its own name
)

// maxMetadata bounds one metadata value; S3 allows 2 KB for all of them.
const maxMetadata = 600

// Put implements replica.Replica. The location is an s3:// URL. Where the
// server has no conditional writes, two processes that put different records
// of one event at the same moment may both succeed, and the later one stays.
func (r *Replica) Put(ctx context.Context, v module.Verified) (string, error) {
	if r.closed.Load() {
		return "", replica.ErrClosed
	}
	k := keeping{
		key: r.key(v.Hash()), turn: r.turns[v.Hash()[0]%byte(len(r.turns))], bytes: v.Record(),
		write:   func(on condition) error { return r.write(ctx, v, on) },
		read:    func() ([]byte, string, error) { return r.read(ctx, v.Hash()) },
		damaged: func(held []byte) bool { return replica.Damaged(v.Hash(), held) },
	}
	if err := r.keep(ctx, k); err != nil {
		return "", err
	}
	return r.location(v.Hash()), nil
}

// A keeping is what is to be stored under a key, unless other bytes are.
type keeping struct {
	key     *string
	turn    *semaphore.Weighted // without conditional writes
	bytes   []byte
	write   func(on condition) error
	read    func() (held []byte, etag string, err error) // ErrNotFound, ErrCorrupt
	damaged func(held []byte) bool
}

// keep stores it. Other bytes that are stored are a replica.ErrConflict and
// stay, unless they are damaged.
func (r *Replica) keep(ctx context.Context, k keeping) error {
	conditional, err := r.probe(ctx)
	if err != nil {
		return wrap(ctx, err)
	}
	if !conditional {
		if err := k.turn.Acquire(ctx, 1); err != nil {
			return wrap(ctx, err)
		}
		defer k.turn.Release(1)
	}
	for range 4 { // each time, somebody else changed the object in between
		if conditional {
			err := k.write(ifNew)
			if err == nil {
				return nil
			}
			if !refused(err) {
				return wrap(ctx, err)
			}
		}
		held, etag, err := k.read()
		switch {
		case errors.Is(err, replica.ErrNotFound):
			if conditional {
				continue
			}
			err = k.write(always)
		case err != nil && !errors.Is(err, replica.ErrCorrupt):
			return err
		case err == nil && bytes.Equal(held, k.bytes):
			return nil
		case err == nil && !k.damaged(held):
			return fmt.Errorf("s3: s3://%s/%s: %w", r.bucket, *k.key, replica.ErrConflict)
		case conditional && etag != "":
			if err = k.write(ifStill(etag)); lacks(err) {
				err = k.write(always)
			}
		default:
			err = k.write(always)
		}
		if err == nil {
			return nil
		}
		if !refused(err) {
			return wrap(ctx, err)
		}
	}
	return fmt.Errorf("s3: s3://%s/%s keeps changing", r.bucket, *k.key)
}

// A condition is put on a write.
type condition func(*client.PutObjectInput)

func always(*client.PutObjectInput) {}

func ifNew(in *client.PutObjectInput) { in.IfNoneMatch = aws.String("*") }

func ifStill(etag string) condition {
	return func(in *client.PutObjectInput) { in.IfMatch = &etag }
}

// write puts the object, with the digest by which the server checks what
// arrived.
func (r *Replica) write(ctx context.Context, v module.Verified, on condition) error {
	meta := v.Meta()
	in := &client.PutObjectInput{
		Bucket: &r.bucket, Key: r.key(v.Hash()), Body: bytes.NewReader(v.Record()),
		ContentType: aws.String(contentType), CacheControl: aws.String(cacheControl),
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(meta.RecordDigest[:])),
		Metadata: map[string]string{
			"event-type":      escape(meta.Type),
			"event-author":    escape(meta.Author),
			"event-timestamp": strconv.FormatUint(meta.CreatedAt, 10),
		},
	}
	on(in)
	_, err := r.c.PutObject(ctx, in)
	return err
}

// probe finds out, once, whether the server honours If-None-Match on PUT: some
// refuse it, and some take no notice of it, which only trying tells. Whoever
// comes meanwhile waits, but no longer than its own context.
func (r *Replica) probe(ctx context.Context) (bool, error) {
	if known := Conditional(r.conditional.Load()); known != Probe {
		return known == Honoured, nil
	}
	if err := r.probing.Acquire(ctx, 1); err != nil {
		return false, err
	}
	defer r.probing.Release(1)
	if known := Conditional(r.conditional.Load()); known != Probe {
		return known == Honoured, nil
	}
	in := &client.PutObjectInput{
		Bucket: &r.bucket, Key: aws.String(r.prefix + ".conditional-writes"), ContentType: aws.String("text/plain"),
	}
	text := []byte("Eventseal finds out with this object whether the server honours If-None-Match.\n")
	in.Body = bytes.NewReader(text)
	if _, err := r.c.PutObject(ctx, in); err != nil {
		return false, err
	}
	in.Body = bytes.NewReader(text)
	ifNew(in)
	found := NotHonoured
	if _, err := r.c.PutObject(ctx, in); refused(err) {
		found = Honoured
	} else if err != nil && !lacks(err) {
		return false, err
	}
	r.conditional.Store(int32(found))
	return found == Honoured, nil
}

// refused reports whether a condition did not hold, or may not have: another
// write was under way.
func refused(err error) bool {
	s := status(err)
	return s == http.StatusPreconditionFailed || s == http.StatusConflict && is(err, "ConditionalRequestConflict", "OperationAborted")
}

// lacks reports whether the server says that it does not know the condition.
func lacks(err error) bool {
	return status(err) == http.StatusNotImplemented || is(err, "NotImplemented", "InvalidArgument", "InvalidRequest")
}

// escape makes a metadata value of any text: what is not visible ASCII, and
// the percent sign, is percent-encoded, as a header carries nothing else
// unharmed. A value too long for metadata is left out; the record has it.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b []byte
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f && c != '%' {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	if len(b) > maxMetadata {
		return ""
	}
	return string(b)
}
