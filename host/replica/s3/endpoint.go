package s3

import (
	"context"
	"sync/atomic"

	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/auth"
	endpoints "github.com/aws/smithy-go/endpoints"
)

// resolved remembers the endpoint of the bucket: all requests of a Replica's
// client are for objects of the one bucket, or for that itself, with the same
// region and settings, and that alone decides. The SDK works its rules out and
// parses a URL twice for each request otherwise, a seventh of all that the
// host computed while it stored.
type resolved struct {
	resolver client.EndpointResolverV2
	known    atomic.Pointer[endpoints.Endpoint] // never handed out, as the SDK writes to what it gets
}

// ResolveEndpoint implements client.EndpointResolverV2. What it returns is the
// caller's own.
func (r *resolved) ResolveEndpoint(ctx context.Context, params client.EndpointParameters) (endpoints.Endpoint, error) {
	known := r.known.Load()
	if known == nil {
		found, err := r.resolver.ResolveEndpoint(ctx, params)
		if err != nil {
			return found, err
		}
		known = &found
		r.known.Store(known)
	}
	return ownCopy(known), nil
}

// ownCopy copies an endpoint down to the properties of its signing options,
// into which the SDK merges others (resolveAuthSchemes in its
// endpoint_auth_resolver.go).
func ownCopy(e *endpoints.Endpoint) endpoints.Endpoint {
	own := endpoints.Endpoint{URI: e.URI, Headers: e.Headers.Clone()}
	own.Properties.SetAll(&e.Properties)
	if options, ok := auth.GetAuthOptions(&own.Properties); ok {
		copies := make([]*auth.Option, len(options))
		for i, o := range options {
			copies[i] = &auth.Option{SchemeID: o.SchemeID}
			copies[i].IdentityProperties.SetAll(&o.IdentityProperties)
			copies[i].SignerProperties.SetAll(&o.SignerProperties)
		}
		auth.SetAuthOptions(&own.Properties, copies)
	}
	return own
}
