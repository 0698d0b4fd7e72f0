package meshlink

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// askedAtOnce bounds how many questions to other nodes are under way: each takes one of the
// calls that the plugin may have in flight, and orders need some too.
const askedAtOnce = 24

// ErrBusy means that too many questions to other nodes are under way.
var ErrBusy = errors.New("too many questions to other nodes are under way; end some, or try again later")

// Ask makes a call of the Host service of another node, and passes each message of the answer
// to take.
func (l *Link) Ask(ctx context.Context, question *pluginv1.AskRequest, take func(ctx context.Context, response []byte) error) error {
	select {
	case l.asking <- struct{}{}:
		defer func() { <-l.asking }()
	default:
		l.asked.refused.Add(1)
		return ErrBusy
	}
	p, _ := l.current()
	err := ErrNoPlugin
	if p != nil {
		err = p.Ask(ctx, question, take)
	}
	l.asked.add(ctx, err)
	return err
}

// AskError is the status of a call at another node, as that node or the plugin gave it.
type AskError struct {
	Node   uint64
	Code   codes.Code
	Detail string
}

// Error returns "node N: CODE: DETAIL".
func (e *AskError) Error() string { return fmt.Sprintf("node %d: %s: %s", e.Node, e.Code, e.Detail) }
