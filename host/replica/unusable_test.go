package replica

import (
	"context"
	"errors"
	"testing"
)

// A place that must not be used fails every call, those for objects included,
// so that nobody takes it for empty.
func TestUnusableObjects(t *testing.T) {
	why, ctx := errors.New("not mounted"), context.Background()
	o, ok := As[Objects](Unusable(why))
	if !ok {
		t.Fatal("the power is lost")
	}
	_, err := o.GetObject(ctx, "a")
	errs := append(o.PutObjects(ctx, make([]Object, 2)), err, o.SwapObject(ctx, "a", nil, nil), o.DeleteObjects(ctx, []string{"a"}))
	for _, err := range o.ListObjects(ctx, "") {
		errs = append(errs, err)
	}
	if len(errs) != 6 {
		t.Errorf("%d errors", len(errs))
	}
	for i, err := range errs {
		if !errors.Is(err, why) {
			t.Errorf("%d: %v", i, err)
		}
	}
}
