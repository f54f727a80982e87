package s3

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/eventseal/eventseal/host/replica"
)

var _ replica.Marked = (*Replica)(nil)

// mark is the key of what is kept for a journal. No hash is spelled so.
func (r *Replica) mark(name string) *string { return aws.String(r.prefix + "journal-" + name + ".txt") }

// Mark implements replica.Marked.
func (r *Replica) Mark(ctx context.Context, name string) (string, error) {
	if r.closed.Load() {
		return "", replica.ErrClosed
	}
	out, err := r.c.GetObject(ctx, &client.GetObjectInput{Bucket: &r.bucket, Key: r.mark(name)})
	if is(err, "NoSuchKey", "NotFound") {
		return "", nil
	}
	if err != nil {
		return "", permitted(ctx, err)
	}
	defer out.Body.Close()
	b, err := io.ReadAll(io.LimitReader(out.Body, replica.MaxMark))
	if err != nil {
		return "", wrap(ctx, err)
	}
	return string(b), nil
}

// SetMark implements replica.Marked.
func (r *Replica) SetMark(ctx context.Context, name, text string) error {
	if r.closed.Load() {
		return replica.ErrClosed
	}
	if err := replica.CheckID(name); err != nil || len(text) > replica.MaxMark {
		return fmt.Errorf("s3: a mark of %d bytes under %.40q", len(text), name)
	}
	_, err := r.c.PutObject(ctx, &client.PutObjectInput{
		Bucket: &r.bucket, Key: r.mark(name), Body: strings.NewReader(text), ContentType: aws.String("text/plain"), CacheControl: aws.String("no-cache"),
	})
	if err != nil {
		return permitted(ctx, err)
	}
	return nil
}
