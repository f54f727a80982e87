// Package all is the one place that names every kind of replica.
package all

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"

	"github.com/eventseal/eventseal/host/config"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/ipfs"
	"github.com/eventseal/eventseal/host/replica/local"
	"github.com/eventseal/eventseal/host/replica/redis"
	"github.com/eventseal/eventseal/host/replica/s3"
)

// A Replica is one that was opened and is to be closed. Its optional powers
// (replica.Lister and others) are found with replica.As.
type Replica interface {
	replica.Replica
	io.Closer
}

// ErrUnmounted: the replica's folder was a disk of its own, and is none now.
var ErrUnmounted = local.ErrUnmounted

// Mounted reports whether the replica is a folder that is a disk of its own.
func Mounted(c config.Replica) bool {
	if c.Kind != config.Local {
		return false
	}
	own, err := local.OnOwnDevice(c.Local.Path)
	return own && err == nil
}

// Open opens the replica that the settings describe. Kinds that are reached
// over the network connect when they are first used, so that a host starts
// while one of them is down. mounted says that it was Mounted when it was used
// last; where it is not any more, the error is ErrUnmounted and nothing was
// changed. ctx bounds the opening only.
func Open(ctx context.Context, c config.Replica, mounted bool) (Replica, error) {
	r, err := open(ctx, c, mounted)
	if err != nil {
		return nil, fmt.Errorf("replica %s: %w", c.Name, err)
	}
	return r, nil
}

func open(ctx context.Context, c config.Replica, mounted bool) (Replica, error) {
	switch c.Kind {
	case config.Local:
		if c.Local.Path == "" {
			return nil, errors.New("local.path is empty")
		}
		return local.Open(c.Local.Path, local.Options{Mounted: mounted})
	case config.Redis:
		o := c.Redis
		var secure *tls.Config
		if o.TLS {
			secure = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		return redis.Open(redis.Options{
			Addrs: o.Addresses, MasterName: o.MasterName, Cluster: o.Cluster,
			Username: o.Username, Password: string(o.Password),
			SentinelUsername: o.SentinelUsername, SentinelPassword: string(o.SentinelPassword),
			DB: o.DB, TLS: secure, Prefix: o.Prefix, TTL: o.TTL, FillTTL: o.FillTTL, Timeout: c.Timeout,
		})
	case config.S3:
		o := c.S3
		return s3.Open(ctx, s3.Options{
			Endpoint: o.Endpoint, Region: o.Region, Bucket: o.Bucket, Prefix: o.Prefix, PathStyle: o.PathStyle,
			AccessKeyID: o.AccessKeyID, SecretAccessKey: string(o.SecretAccessKey), SessionToken: string(o.SessionToken),
		})
	case config.IPFS:
		o := ipfs.Options{API: c.IPFS.API, Timeout: c.Timeout}
		if c.IPFS.Token != "" {
			o.Authorization = "Bearer " + string(c.IPFS.Token)
		}
		return ipfs.Open(o)
	}
	return nil, fmt.Errorf("there is no kind %q", c.Kind)
}
