// Package s3 is a Replica in a bucket of Amazon S3 or of anything that speaks
// its protocol: one object per event, written once.
package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/semaphore"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// DefaultPrefix comes before the hash in a key.
const DefaultPrefix = "events/"

// Options say which bucket, and how. Bucket is required, and exists.
type Options struct {
	Endpoint  string // URL; "": Amazon's, by region
	Region    string // "": what the environment says, or us-east-1
	Bucket    string
	Prefix    string // "": DefaultPrefix
	PathStyle bool   // http://host/bucket/key instead of http://bucket.host/key

	// Credentials; where AccessKeyID is "", those of the SDK's default chain:
	// environment, shared files, web identity, container or instance role.
	AccessKeyID, SecretAccessKey, SessionToken string

	TLS *tls.Config // nil: the system's roots

	// Conditional says whether the server honours If-None-Match on PUT. By
	// default the first Put finds out, with an object of its own beside the events.
	Conditional Conditional
}

// Conditional says what is known of a server's conditional writes.
type Conditional int

// What can be known of a server's conditional writes.
const (
	Probe Conditional = iota
	Honoured
	NotHonoured
)

// A Replica is safe for concurrent use. Make it with Open.
type Replica struct {
	c      *client.Client
	http   *awshttp.BuildableClient
	bucket string
	prefix string
	closed atomic.Bool

	probing     *semaphore.Weighted // one at a time
	conditional atomic.Int32        // a Conditional

	seen atomic.Pointer[label] // the place's id when it was last looked at; nil: it was not

	// Without conditional writes, the puts of one hash take turns, at least
	// within this process.
	turns [64]*semaphore.Weighted
}

var (
	_ replica.Replica = (*Replica)(nil)
	_ replica.Lister  = (*Replica)(nil)
)

// Open returns a replica that connects when it is first used; Check tells
// whether it can. ctx bounds the reading of the credential files only. The
// caller closes it.
func Open(ctx context.Context, o Options) (*Replica, error) {
	if o.Bucket == "" {
		return nil, errors.New("s3: no bucket")
	}
	h := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 256, 256
		if o.TLS != nil {
			t.TLSClientConfig = o.TLS.Clone()
		}
	})
	// Through the SDK's own loading even with keys at hand: it also knows the
	// region, a certificate bundle (AWS_CA_BUNDLE) and an endpoint from the environment.
	load := []func(*config.LoadOptions) error{config.WithRegion(o.Region), config.WithHTTPClient(h)}
	if o.AccessKeyID != "" {
		load = append(load, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, o.SessionToken)))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	if with, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		h = with
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	r := &Replica{http: h, bucket: o.Bucket, prefix: o.Prefix, probing: semaphore.NewWeighted(1)}
	r.conditional.Store(int32(o.Conditional))
	for i := range r.turns {
		r.turns[i] = semaphore.NewWeighted(1)
	}
	if r.prefix == "" {
		r.prefix = DefaultPrefix
	}
	r.c = client.NewFromConfig(cfg, func(s *client.Options) {
		s.HTTPClient = h
		s.UsePathStyle = o.PathStyle
		if o.Endpoint != "" {
			s.BaseEndpoint = aws.String(o.Endpoint)
		}
		s.EndpointResolverV2 = &resolved{resolver: client.NewDefaultEndpointResolverV2()}
		// One more attempt covers a connection that the server closed meanwhile;
		// persistence is the callers' business.
		s.Retryer = retry.NewStandard(func(s *retry.StandardOptions) { s.MaxAttempts, s.MaxBackoff = 2, 100*time.Millisecond })
		// The digest is known already, and servers that know no other checksum are many.
		s.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		s.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		s.DisableLogOutputChecksumValidationSkipped = true
	})
	return r, nil
}

func (r *Replica) key(h digest.Hash) *string { return aws.String(r.prefix + h.String() + ".json") }

func (r *Replica) location(h digest.Hash) string { return "s3://" + r.bucket + "/" + *r.key(h) }

// Delete implements replica.Replica. In a bucket with versions, older ones stay.
func (r *Replica) Delete(ctx context.Context, ref replica.Ref) error {
	if r.closed.Load() {
		return replica.ErrClosed
	}
	_, err := r.c.DeleteObject(ctx, &client.DeleteObjectInput{Bucket: &r.bucket, Key: r.key(ref.Hash)})
	if err = wrap(ctx, err); errors.Is(err, replica.ErrNotFound) {
		return nil
	}
	return err
}

// Check implements replica.Replica: the bucket is there and the credentials
// open it.
func (r *Replica) Check(ctx context.Context) error {
	if r.closed.Load() {
		return replica.ErrClosed
	}
	_, err := r.c.HeadBucket(ctx, &client.HeadBucketInput{Bucket: &r.bucket})
	if is(err, "NotFound") { // of the bucket, not of an event
		return fmt.Errorf("s3: there is no bucket %q", r.bucket)
	}
	return wrap(ctx, err)
}

// Close ends idle connections; later calls fail with replica.ErrClosed.
func (r *Replica) Close() error {
	r.closed.Store(true)
	r.http.GetTransport().CloseIdleConnections()
	return nil
}

// full are the codes by which servers say that there is no room.
var full = []string{"InsufficientStorage", "QuotaExceeded", "StorageFull", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"}

// wrap names the errors that replica has names for.
func wrap(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("s3: %w", ctx.Err())
	case is(err, "NoSuchKey", "NotFound"):
		return fmt.Errorf("s3: %w", replica.ErrNotFound)
	case is(err, "EntityTooLarge"), status(err) == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("s3: %w: %w", replica.ErrRefused, err)
	case is(err, full...), status(err) == http.StatusInsufficientStorage:
		return fmt.Errorf("s3: %w: %w", replica.ErrFull, err)
	}
	return fmt.Errorf("s3: %w", err)
}

// is reports whether the server answered with one of the error codes.
func is(err error, codes ...string) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	for _, code := range codes {
		if api.ErrorCode() == code {
			return true
		}
	}
	return false
}

// status is the HTTP status of an error answer, 0 where there was none.
func status(err error) int {
	var resp *awshttp.ResponseError
	if errors.As(err, &resp) {
		return resp.HTTPStatusCode()
	}
	return 0
}
