package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/redis/go-redis/v9"

	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/wasm/digest"
)

// raws are clients of the stack's servers that do nothing but the one call.
type raws struct {
	redis  *redis.Client
	s3     *s3.Client
	ipfs   string
	http   *http.Client
	hashes []string
	cids   []string
}

func newRaws(s *stack) *raws {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	h := &http.Client{Transport: transport}
	return &raws{
		redis: redis.NewClient(&redis.Options{Addr: s.redis.Addr}),
		s3: s3.New(s3.Options{
			BaseEndpoint: aws.String(s.s3.URL()), UsePathStyle: true, Region: servers.S3Region, HTTPClient: h,
			Credentials: credentials.NewStaticCredentialsProvider(servers.S3AccessKey, servers.S3SecretKey, ""),
		}),
		ipfs: s.kubo.URL(), http: h,
	}
}

// use says which events are read.
func (r *raws) use(hashes []string, records [][]byte) {
	r.hashes, r.cids = hashes, nil
	for _, record := range records {
		r.cids = append(r.cids, rawCID(record))
	}
}

// rawCID is the name of a raw block: CIDv1 in hexadecimal.
func rawCID(block []byte) string { return "f01551220" + digest.SHA256(block).String() }

func (r *raws) getRedis(ctx context.Context, i int) error {
	return r.redis.Get(ctx, "event:"+r.hashes[i%len(r.hashes)]).Err()
}

func (r *raws) getS3(ctx context.Context, i int) error {
	out, err := r.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(stackBucket), Key: aws.String("events/" + r.hashes[i%len(r.hashes)] + ".json")})
	if err != nil {
		return err
	}
	defer out.Body.Close()
	_, err = io.Copy(io.Discard, out.Body)
	return err
}

func (r *raws) getIPFS(ctx context.Context, i int) error {
	return r.call(ctx, "block/get?offline=true&arg="+r.cids[i%len(r.cids)], "", nil)
}

func (r *raws) call(ctx context.Context, command, contentType string, body io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.ipfs+"/api/v0/"+command, body)
	if err != nil {
		return err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return err
}

// storeRows stores records with each server's client alone, one call for each.
func (r *raws) storeRows(ctx context.Context, records [][]byte) (rows []row, err error) {
	for _, c := range []struct {
		name string
		n    int
		put  func(ctx context.Context, i int) error
	}{
		{"Redis SET", len(records), func(ctx context.Context, i int) error {
			return r.redis.Set(ctx, fmt.Sprint("raw:", i), records[i], time.Hour).Err()
		}},
		{"S3 PutObject", len(records), func(ctx context.Context, i int) error {
			_, err := r.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(stackBucket), Key: aws.String(fmt.Sprint("raw/", i)), Body: bytes.NewReader(records[i])})
			return err
		}},
		{"Kubo block put, pinned", min(500, len(records)), func(ctx context.Context, i int) error {
			var body bytes.Buffer
			w := multipart.NewWriter(&body)
			part, err := w.CreateFormFile("file", "block")
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(part, "%s raw", records[i]) // not one of those that are there
			_ = w.Close()
			return r.call(ctx, "block/put?pin=true", w.FormDataContentType(), &body)
		}},
	} {
		name := "for comparison: " + c.name + " alone, raw client, 32 at once"
		result, err := timed(ctx, 32, 0, c.n, c.put)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		rows = append(rows, row{section: stackSection, name: name, value: result.perSecond, unit: perSecond, note: result.note()})
	}
	return rows, nil
}

// timed makes n calls, or as many as fit into a time, so many at once.
func timed(ctx context.Context, atOnce int, length time.Duration, n int, f func(ctx context.Context, i int) error) (result, error) {
	var next atomic.Int64
	return abreast(atOnce, 1, func(began time.Time) (took []time.Duration, err error) {
		for err == nil {
			i := int(next.Add(1) - 1)
			if n > 0 && i >= n || length > 0 && time.Since(began) > length {
				break
			}
			start := time.Now()
			err = f(ctx, i)
			took = append(took, time.Since(start))
		}
		return took, err
	})
}
