package s3

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/auth"
	endpoints "github.com/aws/smithy-go/endpoints"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// counted counts how often the SDK's rules are worked out.
type counted struct {
	client.EndpointResolverV2
	calls int
}

func (c *counted) ResolveEndpoint(ctx context.Context, params client.EndpointParameters) (endpoints.Endpoint, error) {
	c.calls++
	return c.EndpointResolverV2.ResolveEndpoint(ctx, params)
}

func TestEndpointIsResolvedOnce(t *testing.T) {
	rules := &counted{EndpointResolverV2: client.NewDefaultEndpointResolverV2()}
	r := &resolved{resolver: rules}
	ctx := context.Background()
	if _, err := r.ResolveEndpoint(ctx, client.EndpointParameters{}); err == nil {
		t.Fatal("an endpoint without a region")
	}
	params := client.EndpointParameters{Bucket: aws.String("events"), Region: aws.String("eu-west-1"), Key: aws.String("one")}
	want, err := client.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, params)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		got, err := r.ResolveEndpoint(ctx, params)
		if err != nil {
			t.Fatal(err) // an error is not remembered
		}
		if got.URI != want.URI || len(got.Headers) != len(want.Headers) {
			t.Fatalf("%v %v, want %v %v", got.URI, got.Headers, want.URI, want.Headers)
		}
		options, _ := auth.GetAuthOptions(&got.Properties)
		wanted, _ := auth.GetAuthOptions(&want.Properties)
		if len(options) == 0 || len(options) != len(wanted) {
			t.Fatalf("%d options, want %d", len(options), len(wanted))
		}
		for i, o := range options {
			region, _ := smithyhttp.GetSigV4SigningRegion(&o.SignerProperties)
			wantedRegion, _ := smithyhttp.GetSigV4SigningRegion(&wanted[i].SignerProperties)
			if o.SchemeID != wanted[i].SchemeID || region != wantedRegion {
				t.Fatalf("option %s in %s, want %s in %s", o.SchemeID, region, wanted[i].SchemeID, wantedRegion)
			}
			// The SDK writes to what it gets; the next caller does not see it.
			o.SchemeID = "changed"
			smithyhttp.SetSigV4SigningRegion(&o.SignerProperties, "changed")
		}
		got.Headers.Set("Changed", "yes")
		params.Key = aws.String("another")
	}
	if rules.calls != 2 {
		t.Fatalf("the rules were worked out %d times", rules.calls)
	}
}
