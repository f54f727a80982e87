package s3

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Get implements replica.Replica. The key follows from the hash; the location
// is not needed.
func (r *Replica) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	if r.closed.Load() {
		return nil, replica.ErrClosed
	}
	b, _, err := r.read(ctx, ref.Hash)
	return b, err
}

// read fetches the object of an event, and its ETag.
func (r *Replica) read(ctx context.Context, h digest.Hash) ([]byte, string, error) {
	f, err := r.fetch(ctx, r.key(h), module.MaxRecordBytes)
	return f.bytes, f.etag, err
}

// A fetched is what the bucket has under a key.
type fetched struct {
	bytes    []byte
	etag     string
	metadata map[string]string
}

// fetch reads an object of at most so many bytes; a longer one is an
// ErrCorrupt. The ETag comes with an error, too, where it was told.
func (r *Replica) fetch(ctx context.Context, key *string, most int) (f fetched, err error) {
	out, err := r.c.GetObject(ctx, &client.GetObjectInput{Bucket: &r.bucket, Key: key})
	if err != nil {
		return f, wrap(ctx, err)
	}
	defer out.Body.Close()
	f.etag, f.metadata = aws.ToString(out.ETag), out.Metadata
	size := aws.ToInt64(out.ContentLength)
	if size > int64(most) {
		return f, fmt.Errorf("s3: %w: %d bytes are longer than any that were put", replica.ErrCorrupt, size)
	}
	b := make([]byte, 0, max(size, 0)+1) // one more, so that the end is seen without growing
	for {
		n, err := out.Body.Read(b[len(b):cap(b)])
		replica.Moved(ctx, n)
		if b = b[:len(b)+n]; len(b) > most {
			return f, fmt.Errorf("s3: %w: it is longer than any that was put", replica.ErrCorrupt)
		}
		if err == io.EOF {
			f.bytes = b
			return f, nil
		}
		if err != nil {
			return f, wrap(ctx, err)
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
}

// List implements replica.Lister. What is under the prefix and named by no
// hash is passed over; folders, such as those of replica.Objects, as a whole.
func (r *Replica) List(ctx context.Context) iter.Seq2[replica.Ref, error] {
	return func(yield func(replica.Ref, error) bool) {
		if r.closed.Load() {
			yield(replica.Ref{}, replica.ErrClosed)
			return
		}
		pages := client.NewListObjectsV2Paginator(r.c, &client.ListObjectsV2Input{Bucket: &r.bucket, Prefix: &r.prefix, Delimiter: aws.String("/")})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(replica.Ref{}, wrap(ctx, err))
				return
			}
			for _, object := range page.Contents {
				name, json := strings.CutSuffix(strings.TrimPrefix(aws.ToString(object.Key), r.prefix), ".json")
				h, ok := digest.ParseHash(name)
				if json && ok && !yield(replica.Ref{Hash: h, Location: r.location(h)}, nil) {
					return
				}
			}
		}
	}
}
