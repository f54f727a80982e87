package anchor

import (
	"context"
	"errors"
	"strings"

	"github.com/eventseal/eventseal/host/antelope"
)

// use has f look at one node after the other until one answers.
func (a *Anchor) use(ctx context.Context, f func(context.Context, node) error) error {
	return a.o.Client.Use(ctx, func(ctx context.Context, n *antelope.Node) error { return f(ctx, n) })
}

// duplicate: the node knows the transaction already.
func duplicate(err error) bool { return refusal(err) == antelope.CodeDuplicate }

// busy: the node had no time for the transaction; another one may have.
func busy(err error) bool {
	return refusal(err) == antelope.CodeDeadline || refusal(err) == antelope.CodeLeeway
}

// moved: the node judges at another block than the one that was looked at. That is
// no refusal of what is posted: the next look shows what became of it.
func moved(err error) bool {
	switch refusal(err) {
	case antelope.CodeExpired, antelope.CodeReference:
		return true
	case antelope.CodeAssert:
		return strings.Contains(err.Error(), "the next seq is another")
	}
	return false
}

func refusal(err error) int {
	var e *antelope.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}
